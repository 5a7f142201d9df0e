import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf } from '../../domain/errors.ts';
import { QUEUE } from '../../workflows/messages.ts';
import { healthAnswer, readyAnswer, versionAnswer } from '../answer-schemas.ts';
import type { ReadyCheck } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { DEFAULT_SCANNER } from '../deps.ts';
import { type Route, route } from '../route.ts';
import { POLL_AGE_MS } from '../worker-watch.ts';

/** An answer of the scanner is good for this long: asking costs a scan. In milliseconds. */
const PROBE_AGE_MS = 30_000;
const PROBE_MS = 3_000;

/** The first answer waits so long for it. */
const FAIRNESS_MS = 2_500;
const UNFAIR =
  'Temporal ignores fairness keys, so one large scan takes all turns; set matching.enableFairness on the server';

type Finding = Pick<ReadyCheck, 'state' | 'detail'>;

export function healthRoutes(deps: ApiDeps): readonly Route[] {
  let probed: { at: number; finding: Promise<Finding> } | undefined;

  async function temporal(): Promise<readonly ReadyCheck[]> {
    try {
      const queues = await deps.control.queues([QUEUE.orchestrate, QUEUE.plan, QUEUE.scan]);
      const idle = queues.filter(({ age }) => age === undefined || age > POLL_AGE_MS).map(({ queue }) => queue);
      const workers: Finding =
        idle.length === 0
          ? { state: 'ok', detail: `workers ask ${queues.map(({ queue }) => queue).join(', ')} for work` }
          : { state: 'problem', detail: `no worker asks ${idle.join(', ')} for work; start one` };
      return [
        { name: 'temporal', needed: true, state: 'ok', detail: 'answers' },
        { name: 'workers', needed: true, ...workers },
      ];
    } catch (error) {
      return [
        { name: 'temporal', needed: true, state: 'problem', detail: messageOf(error) },
        { name: 'workers', needed: true, state: 'problem', detail: 'not known while Temporal does not answer' },
      ];
    }
  }

  /** Found out once for each process of the API; nobody waits for it longer than for the rest. */
  function fairness(): Promise<Finding> {
    const late: Finding = { state: 'off', detail: 'being found out' };
    const finding = deps.control.fair().then(
      (fair): Finding =>
        fair
          ? { state: 'ok', detail: 'jobs that wait for the same workers take turns' }
          : { state: 'problem', detail: UNFAIR },
      (error): Finding => ({ state: 'off', detail: `not known: ${messageOf(error)}` }),
    );
    return Promise.race([finding, sleep(FAIRNESS_MS, late, { ref: false })]);
  }

  async function redis(): Promise<Finding> {
    if (deps.status === undefined)
      return { state: 'off', detail: 'REDIS_URL is not set; queries ask Temporal and the ledger' };
    return tried(() => deps.status?.ping(), 'answers');
  }

  function scanner(): Promise<Finding> {
    const named = deps.scanners.find(({ name }) => name === DEFAULT_SCANNER) ?? deps.scanners[0];
    if (named === undefined)
      return Promise.resolve({ state: 'off', detail: 'no scanner is named; set DSXA_SCANNER_URL' });
    if (probed === undefined || Date.now() - probed.at > PROBE_AGE_MS) {
      const finding = named.scanner
        .probe(AbortSignal.timeout(PROBE_MS))
        .then(
          ({ ok, detail }): Finding => ({ state: ok ? 'ok' : 'problem', detail }),
          (): Finding => ({
            state: 'problem',
            detail: `Scanner ${named.name} did not answer within ${PROBE_MS / 1000} s`,
          }),
        )
        .then((found) => (named.verifyTls === false ? unverified(found) : found))
        .then((found) =>
          named.standIn ? { ...found, detail: `${found.detail} It is a stand-in, which judges nothing.` } : found,
        );
      probed = { at: Date.now(), finding };
      // What is wrong is looked at again the next time.
      void finding.then(({ state }) => {
        if (state !== 'ok') probed = undefined;
      });
    }
    return probed.finding;
  }

  return [
    route({
      method: 'GET',
      path: '/healthz',
      summary: 'The process answers. Needs no key.',
      role: 'none',
      answers: { 200: healthAnswer },
      handle: async () => ({ status: 200, body: { status: 'alive' } }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      summary: 'What this server depends on, each with what is wrong.',
      role: 'viewer',
      answers: { 200: readyAnswer, 503: readyAnswer },
      handle: async () => {
        const ledger = tried(() => deps.ledger.check(), deps.ledger.place);
        const [server, status, place, judge, sent] = await Promise.all([
          temporal(),
          redis(),
          ledger,
          scanner(),
          deps.results?.(),
        ]);
        const served = server.every(({ state }) => state === 'ok');
        const fair: Finding = served ? await fairness() : { state: 'off', detail: 'not known without workers' };
        const checks: ReadyCheck[] = [
          ...server,
          { name: 'fairness', needed: false, ...fair },
          { name: 'redis', needed: false, ...status },
          { name: 'ledger', needed: true, ...place },
          { name: 'scanner', needed: false, ...judge },
          ...(sent === undefined ? [] : [sent]),
        ];
        const ready = checks.every(({ needed, state }) => !needed || state === 'ok');
        const old = {
          status: ready ? 'ready' : 'not_ready',
          redis: status.state === 'ok' ? 'ok' : 'unavailable',
          registry: 'ok',
        };
        return { status: ready ? 200 : 503, body: { ready, checks, ...old } };
      },
    }),
    route({
      method: 'GET',
      path: '/version',
      summary: 'The version alone, as a string.',
      role: 'viewer',
      answers: { 200: z.string() },
      handle: async () => ({ status: 200, body: deps.settings.version }),
    }),
    route({
      method: 'GET',
      path: '/meta',
      summary: 'What runs here, and which scanners jobs may name.',
      role: 'viewer',
      answers: { 200: versionAnswer },
      handle: async () => ({
        status: 200,
        body: {
          ...(deps.settings.builtAt !== undefined && { build_timestamp: deps.settings.builtAt }),
          name: 'dsx-connect',
          version: deps.settings.version,
          node: process.versions.node,
          scanners: deps.scanners.map(({ name, standIn }) => ({ name, standIn })),
        },
      }),
    }),
  ];
}

/** Loud on purpose: whoever sits between can forge what is called clean. */
function unverified({ detail }: Finding): Finding {
  const warning =
    'Its certificate is NOT verified, so verdicts can be forged: set DSXA_VERIFY_TLS=on, and DSXA_CA_FILE if it has an authority of its own.';
  return { state: 'problem', detail: `${detail} ${warning}` };
}

async function tried(what: () => Promise<unknown> | undefined, fine: string): Promise<Finding> {
  try {
    await what();
    return { state: 'ok', detail: fine };
  } catch (error) {
    return { state: 'problem', detail: messageOf(error) };
  }
}
