import type { z } from 'zod';
import type { ChangedConnector, ConnectorDefinition } from '../../domain/connector-entry.ts';
import { connectorDetail } from '../answer-schemas.ts';
import type { RunningJob } from '../connector-control.ts';
import { definitionOf } from '../connector-definition.ts';
import { connectorDeleted, createConnectorBody, replaceConnectorBody } from '../connector-schemas.ts';
import type { ApiDeps } from '../deps.ts';
import type { MadeDoor } from '../made-door.ts';
import { ApiProblem, type ProblemCode } from '../problems.ts';
import { connectorParams } from '../request-schemas.ts';
import { type Reply, type Route, route } from '../route.ts';
import { findConnector } from '../start-request.ts';
import { checkRevision, ifMatch } from '../written.ts';

type Accepted = Extract<ChangedConnector, { entry: unknown }>;

const PROBLEMS: readonly ProblemCode[] = ['ledger_unavailable', 'ledger_full', 'temporal_unreachable', 'no_worker'];
/** Schedules are listed so many at a time. */
const SCHEDULES = 100;

/** Connectors that are made, changed and deleted through the API. Those of the configuration file are changed there. */
export function madeConnectorRoutes(deps: ApiDeps): readonly Route[] {
  const { made } = deps;
  const here = (): MadeDoor => {
    if (made !== undefined) return made;
    throw new ApiProblem('not_supported', 'This API serves the connectors of its configuration alone.');
  };
  const faults = (definition: ConnectorDefinition, context: z.core.$RefinementCtx): void => {
    for (const { field, message } of made?.faultsOf(definition) ?? []) {
      context.addIssue({ code: 'custom', path: field.split('.'), message, input: definition });
    }
  };
  /** What a change came to, once this process knows it too. */
  const told = async (id: string, status: number, { entry }: Accepted): Promise<Reply> => {
    await here().refresh();
    return { status, body: { ...findConnector(deps, id), definition: entry.definition }, revision: entry.revision };
  };
  const ready = async (): Promise<void> => (await deps.ledger.open()).check();

  return [
    route({
      method: 'POST',
      path: '/connectors',
      summary:
        'Makes a connector, with the fields that it would have in the configuration file. Secrets are named, never given.',
      role: 'admin',
      json: createConnectorBody.superRefine((body, context) => faults(definitionOf(body), context)),
      answers: { 201: connectorDetail },
      problems: [...PROBLEMS, 'connector_exists', 'not_supported'],
      handle: async ({ body, actor }) => {
        const { local } = here();
        if (deps.settings.connectors.some(({ id }) => id === body.id)) throw exists(body.id);
        await ready();
        const change = { kind: 'create', id: body.id, actor, definition: definitionOf(body), local } as const;
        return told(body.id, 201, accepted(body.id, await deps.control.changeConnector(change)));
      },
    }),
    route({
      method: 'PUT',
      path: '/connectors/:id',
      summary:
        'Puts another definition in the place of the revision that was seen. Scans that run go on with it within seconds; for another asset they must have ended.',
      role: 'admin',
      params: connectorParams,
      json: replaceConnectorBody.superRefine((body, context) => faults(definitionOf({ id: 'it', ...body }), context)),
      answers: { 200: connectorDetail },
      ifMatch: true,
      problems: [
        ...PROBLEMS,
        'connector_not_found',
        'connector_changed',
        'connector_managed',
        'connector_in_use',
        'precondition_failed',
      ],
      handle: async ({ params: { id }, body, actor, request }) => {
        const match = ifMatch(request);
        const there = await revisionOf(deps, here(), id);
        if (body.revision === undefined && match === undefined)
          throw invalid('revision', 'name the revision that was seen, here or in If-Match');
        if (body.id !== undefined && body.id !== id)
          throw invalid('id', `must be ${id}, or be left out: a connector keeps its id`);
        checkRevision(match, there);
        const { local } = here();
        const seen = body.revision ?? there;
        const definition = { ...definitionOf(body), id };
        const change = { kind: 'replace', id, actor, definition, local, revision: seen } as const;
        // The names that a job has would mean other items.
        const live = here().leadsElsewhere(id, definition) ? await liveJobs(deps, id, 'jobs') : [];
        await ready();
        const changed = accepted(id, await deps.control.changeConnector(change));
        await endLive(deps, live, actor, `connector ${id} leads to another asset`);
        return told(id, 200, changed);
      },
    }),
    route({
      method: 'DELETE',
      path: '/connectors/:id',
      summary:
        'Deletes a connector. Refused while a scan of it runs or a schedule names it; what is watched is watched no more.',
      role: 'admin',
      params: connectorParams,
      answers: { 200: connectorDeleted },
      ifMatch: true,
      problems: [
        ...PROBLEMS,
        'connector_not_found',
        'connector_changed',
        'connector_managed',
        'connector_in_use',
        'precondition_failed',
      ],
      handle: async ({ params: { id }, actor, request }) => {
        const match = ifMatch(request);
        const there = await revisionOf(deps, here(), id);
        checkRevision(match, there);
        const live = await liveJobs(deps, id, 'jobs and schedules');
        await ready();
        accepted(id, await deps.control.changeConnector({ kind: 'delete', id, actor, revision: there }));
        await here().refresh();
        await endLive(deps, live, actor, `connector ${id} was deleted`);
        return { status: 200, body: { id, deleted: true } };
      },
    }),
  ];
}

/** The revision that is there now. @throws ApiProblem `connector_not_found`, `connector_managed`; LedgerError */
async function revisionOf(deps: ApiDeps, made: MadeDoor, id: string): Promise<number> {
  await made.refresh();
  const found = made.entry(id);
  if (found !== undefined) return found.revision;
  findConnector(deps, id);
  const detail = `Connector ${id} is not one that was made through the API. Change it where it is configured.`;
  throw new ApiProblem('connector_managed', detail);
}

/** The on-access jobs of a connector. @throws ApiProblem `connector_in_use` while anything else of it runs or may begin */
async function liveJobs(
  { control }: ApiDeps,
  id: string,
  refuse: 'jobs' | 'jobs and schedules',
): Promise<readonly RunningJob[]> {
  const running = await control.jobsOf(id);
  const jobs = running.filter(({ live }) => !live).map(({ job }) => job);
  const schedules: string[] = [];
  let after: string | undefined;
  while (refuse === 'jobs and schedules') {
    const page = await control.schedules.list(SCHEDULES, after);
    schedules.push(...page.schedules.filter(({ connector }) => connector === id).map((schedule) => schedule.id));
    after = page.next;
    if (after === undefined) break;
  }
  if (jobs.length === 0 && schedules.length === 0) return running;
  const named = [
    ...jobs.map((job) => `job ${job} runs`),
    ...schedules.map((schedule) => `schedule ${schedule} scans it`),
  ];
  const detail = `Connector ${id} is in use: ${named.slice(0, 5).join(', ')}. End these first.`;
  throw new ApiProblem('connector_in_use', detail, { extra: { jobs, schedules } });
}

/** What still waits there means nothing any more; it is accounted for as cancelled. */
async function endLive(
  { control, log }: ApiDeps,
  live: readonly RunningJob[],
  actor: string,
  reason: string,
): Promise<void> {
  for (const { job, workflowId } of live) {
    await control.steer(workflowId, 'cancel', { job, actor, reason }).catch((error: unknown) => {
      log.warn({ err: error, job, reason }, 'an on-access job was not cancelled');
    });
  }
}

/** @throws ApiProblem for a change that was refused */
function accepted(id: string, changed: ChangedConnector): Accepted {
  if ('entry' in changed) return changed;
  if (changed.refused === 'exists') throw exists(id);
  if (changed.refused === 'missing') {
    throw new ApiProblem('connector_not_found', `There is no connector ${JSON.stringify(id)} (any more).`);
  }
  const { revision } = changed;
  const detail = `Connector ${id} was changed meanwhile: revision ${revision} is there now. Look again.`;
  throw new ApiProblem('connector_changed', detail, { extra: { revision } });
}

function exists(id: string): ApiProblem {
  return new ApiProblem('connector_exists', `There is a connector ${id}. Choose another id, or change that one.`);
}

function invalid(field: string, message: string): ApiProblem {
  return new ApiProblem('request_invalid', `body: ${field}: ${message}.`, {
    extra: { in: 'body', errors: [{ field, message }] },
  });
}
