import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ConnectorResource, PreviewAnswer } from '../contract.ts';
import { ControlError } from '../control.ts';
import type { ApiDeps } from '../deps.ts';
import { newEstimateId } from '../estimate-id.ts';
import { listRequest, placeOf, quarantineOf } from '../list-request.ts';
import { ApiProblem } from '../problems.ts';
import type { Route } from '../route.ts';
import { previewAnswer, readAnswer } from '../storage-answers.ts';
import { named } from './known-connectors.ts';
import { connectorModel, modelOf } from './models.ts';
import { anyObject, oldRoute, oldWord, statusResponse, toldAs, wholeNumber } from './old-route.ts';

const params = z.strictObject({ uuid: z.string() });
const AT_SITE = ['connector_not_found', 'no_worker', 'temporal_unreachable', 'check_failed'] as const;
/** Most items of a preview. */
const MOST_PREVIEW = 1_000;
/** An answer is waited for so long: how many objects there are is unknown then. In seconds. */
const ESTIMATE_SECONDS = 20;
const LOOK_MS = 250;

/** The first items that a scan of a connector would list. @throws ApiProblem, ControlError, LedgerError */
export async function firstItems(deps: ApiDeps, id: string, limit: number): Promise<PreviewAnswer['items']> {
  const request = listRequest(deps, { connector: id }, {});
  const ref = await deps.control.preview({ ...request, limit });
  return previewAnswer(request, await readAnswer(deps, ref)).items;
}

/** What a storage is asked through a connector, by its UUID. */
export function oldConnectorRoutes(deps: ApiDeps): readonly Route[] {
  const check = async ({ id, action }: ConnectorResource) => {
    const { bound, ...place } = placeOf(deps, { connector: id });
    const quarantine = quarantineOf(deps, place.source, bound);
    return deps.control.check({ ...place, action, ...(quarantine !== undefined && { quarantine }) });
  };
  const told = ({ checks }: Awaited<ReturnType<typeof check>>): string =>
    checks.map(({ name, ok, detail }) => `${name}: ${ok ? 'ok' : 'failed'}: ${detail}`).join('; ');

  return [
    oldRoute({
      method: 'GET',
      path: '/connectors/auth_check/:uuid',
      summary: 'Tries, at its site, whether the connector can use its storage.',
      role: 'operator',
      params,
      answers: { 200: statusResponse },
      problems: AT_SITE,
      handle: async ({ params: { uuid } }) => {
        const report = await check(await named(deps, uuid));
        if (!report.ok) throw oldWord('check_failed', `auth_check_failed: ${told(report)}`, told(report));
        return { status: 200, body: toldAs('success', 'auth_ok', { description: told(report) }) };
      },
    }),
    oldRoute({
      method: 'GET',
      path: '/connectors/repo_check/:uuid',
      summary: 'The check of a connector, and the first items of its listing.',
      role: 'operator',
      params,
      query: z.object({ preview: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional() }),
      answers: { 200: statusResponse },
      problems: [...AT_SITE, 'storage_failed', 'ledger_unavailable'],
      handle: async ({ params: { uuid }, query: { preview } }) => {
        const connector = await named(deps, uuid);
        const report = await check(connector);
        if (!report.ok)
          return { status: 200, body: toldAs('error', 'Repository check failed', { description: told(report) }) };
        if (preview === undefined || preview === 0) {
          return { status: 200, body: toldAs('success', 'Repository is reachable', { description: told(report) }) };
        }
        const items = await firstItems(deps, connector.id, Math.min(preview, MOST_PREVIEW));
        const description = `${told(report)} preview=${items.length}`;
        const shown = items.map(({ location }) => location);
        return { status: 200, body: toldAs('success', 'Repository is reachable', { description, preview: shown }) };
      },
    }),
    oldRoute({
      method: 'GET',
      path: '/connectors/estimate/:uuid',
      summary: `How many objects a scan would list, where that can be counted within ${ESTIMATE_SECONDS} s.`,
      role: 'operator',
      params,
      answers: { 200: z.object({ count: z.int().nullable(), confidence: z.enum(['exact', 'unknown']) }) },
      problems: ['connector_not_found', 'no_worker', 'temporal_unreachable'],
      handle: async ({ params: { uuid }, signal }) => {
        const { id } = await named(deps, uuid);
        return { status: 200, body: await counted(deps, id, signal) };
      },
    }),
    oldRoute({
      method: 'GET',
      path: '/connectors/config/:uuid',
      summary: 'The settings of a connector, without secrets.',
      role: 'viewer',
      params,
      answers: { 200: connectorModel },
      problems: ['connector_not_found'],
      handle: async ({ params: { uuid } }) => ({ status: 200, body: modelOf(await named(deps, uuid)) }),
    }),
    oldRoute({
      method: 'PUT',
      path: '/connectors/config/:uuid',
      summary: 'Refused: connectors are set in the configuration file. What asks for nothing new is accepted.',
      role: 'admin',
      params,
      json: anyObject,
      answers: { 200: connectorModel },
      problems: ['connector_not_found', 'bad_request', 'not_supported'],
      handle: async ({ params: { uuid }, body }) => {
        const model = modelOf(await named(deps, uuid));
        const asked = Object.entries(body).filter(([, value]) => value !== null && value !== undefined);
        if (asked.length === 0) throw oldWord('bad_request', 'no_fields_to_update', 'Name at least one field.');
        const now = new Map<string, unknown>(Object.entries(model));
        const changed = asked.filter(([name, value]) => now.get(name) !== value).map(([name]) => name);
        if (changed.length === 0) return { status: 200, body: model };
        const detail = `Connector ${model.name} is set in the configuration file; change it there (${changed.join(', ').slice(0, 300)}).`;
        throw new ApiProblem('not_supported', detail);
      },
    }),
    oldRoute({
      method: 'GET',
      path: '/connectors/healthz/:uuid',
      summary: 'The connector is configured. Its storage is not asked.',
      role: 'viewer',
      params,
      answers: { 200: z.object({ ok: z.literal(true) }) },
      problems: ['connector_not_found'],
      handle: async ({ params: { uuid } }) => {
        await named(deps, uuid);
        return { status: 200, body: { ok: true } };
      },
    }),
    oldRoute({
      method: 'GET',
      path: '/connectors/readyz/:uuid',
      summary: 'The connector, once its check at its site has passed.',
      role: 'operator',
      params,
      answers: { 200: connectorModel },
      problems: AT_SITE,
      handle: async ({ params: { uuid } }) => {
        const connector = await named(deps, uuid);
        const report = await check(connector);
        if (report.ok) return { status: 200, body: modelOf(connector) };
        throw oldWord('no_worker', told(report), told(report));
      },
    }),
  ];
}

/** Counts what a scan would list. A listing that has gaps, failed or takes longer gives no exact number. */
async function counted(deps: ApiDeps, id: string, signal: AbortSignal) {
  const unknown = { count: null, confidence: 'unknown' };
  const estimate = newEstimateId();
  const request = listRequest(deps, { connector: id }, {});
  await deps.control.startEstimate(estimate, { ...request, maxSeconds: ESTIMATE_SECONDS });
  for (const until = Date.now() + 1_000 * ESTIMATE_SECONDS; Date.now() < until; ) {
    await sleep(LOOK_MS);
    const now = signal.aborted ? undefined : (await viewOf(deps, estimate))?.estimate;
    if (now?.state === 'running') continue;
    if (now === undefined) break;
    const exact = now.state === 'completed' && !now.partial && now.gaps === 0;
    return exact ? { count: now.items, confidence: 'exact' } : unknown;
  }
  await deps.control.stopEstimate(estimate);
  return unknown;
}

/** An estimate that no worker tells of yet is one that runs. */
async function viewOf({ control }: ApiDeps, estimate: string) {
  try {
    return await control.estimate(estimate);
  } catch (error) {
    if (error instanceof ControlError && error.code === 'no_worker') return undefined;
    throw error;
  }
}

/** Job ids of the former product were UUIDs: its console finds no other ones in a text. */
export function oldJobId(): string {
  return randomUUID();
}
