import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { problemOf } from '../problem-of.ts';
import { jobParams } from '../request-schemas.ts';
import type { Route } from '../route.ts';
import { createReaders, type Reader } from './frames.ts';
import { jobSummary } from './job-hash.ts';
import { knownConnectors } from './known-connectors.ts';
import { type ConnectorModel, modelOf } from './models.ts';
import { oldRoute, wholeNumber } from './old-route.ts';
import { createResultFeed } from './result-feed.ts';

/** When a client comes back after a cut, in milliseconds. */
const RETRY_MS = 5_000;
/** A sign of life when nothing was sent for so long, in milliseconds. */
const QUIET_MS = 10_000;
/** After so many relayed frames there was one too. */
const BEAT_AFTER = 10;
/** How often the list of connectors is looked at, in milliseconds. */
const CONNECTORS_MS = 1_000;
const problems = ['too_many_streams', 'stopping'] as const;

/** The three streams of the former product's console. */
export function streamRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  const stream = createReaders(deps.stopping);
  const feed = createResultFeed(deps, jobs);

  return [
    oldRoute({
      method: 'GET',
      path: '/subscribe/scan-result',
      summary: 'Results and states of jobs as they come (server-sent events).',
      role: 'viewer',
      basic: true,
      answers: { 200: 'stream' },
      problems,
      handle: ({ request, response }) =>
        stream(response, request.method === 'HEAD', {}, async (reader) => {
          reader.send({ type: 'connected' });
          reader.retry(RETRY_MS);
          const beat = beats(reader);
          let relayed = 0;
          const stop = feed.listen((frame) => {
            reader.send(frame);
            relayed += 1;
            if (relayed % BEAT_AFTER === 0) reader.send({ type: 'heartbeat' });
            beat.heard();
          });
          await reader.gone;
          stop();
          beat.stop();
        }),
    }),
    oldRoute({
      method: 'GET',
      path: '/subscribe/job-summary/:job',
      summary: 'A job as it is, again and again (server-sent events).',
      role: 'viewer',
      basic: true,
      params: jobParams,
      query: z.object({ interval: wholeNumber(2, 60).default(5) }),
      answers: { 200: 'stream' },
      problems,
      handle: ({ params: { job }, query: { interval }, request, response }) =>
        stream(response, request.method === 'HEAD', {}, async (reader) => {
          reader.retry(RETRY_MS);
          reader.send({ type: 'connected', job_id: job });
          while (!reader.signal.aborted) {
            reader.send(await summaryOf(jobs, job));
            await sleep(interval * 1_000, undefined, { signal: reader.signal }).catch(() => undefined);
          }
        }),
    }),
    oldRoute({
      method: 'GET',
      path: '/subscribe/connector-registered',
      summary: 'Connectors that come and go (server-sent events).',
      role: 'viewer',
      basic: true,
      answers: { 200: 'stream' },
      problems,
      handle: ({ request, response }) =>
        stream(response, request.method === 'HEAD', { Connection: 'keep-alive' }, async (reader) => {
          reader.send({ type: 'connected', message: 'Connector SSE stream started' });
          const beat = beats(reader);
          let known = await modelsOf(deps);
          while (!reader.signal.aborted) {
            await sleep(CONNECTORS_MS, undefined, { signal: reader.signal }).catch(() => undefined);
            const now = await modelsOf(deps);
            for (const frame of changesOf(known, now)) {
              reader.send(frame);
              beat.heard();
            }
            known = now;
          }
          beat.stop();
        }),
    }),
  ];
}

/** A heartbeat whenever nothing was heard for a while, so that nobody in between takes the stream for dead. */
function beats(reader: Reader): { heard: () => void; stop: () => void } {
  const timer = setInterval(() => reader.send({ type: 'heartbeat' }), QUIET_MS);
  timer.unref();
  return { heard: () => void timer.refresh(), stop: () => clearInterval(timer) };
}

async function summaryOf(jobs: Jobs, job: string): Promise<{ type: string; [field: string]: unknown }> {
  try {
    const found = await jobs.get(job);
    const { enqueued_total: _, enqueued_count: __, enqueue_done: ___, ...summary } = jobSummary(found);
    return { type: 'job_summary', ts: Date.now() / 1_000, job: summary };
  } catch (error) {
    const { code } = problemOf(error);
    if (code === 'job_not_found') return { type: 'job_summary', job_id: job, status: 'not_found' };
    return { type: 'heartbeat', status: code === 'status_unavailable' ? 'redis_unavailable' : 'error' };
  }
}

async function modelsOf(deps: ApiDeps): Promise<ReadonlyMap<string, ConnectorModel>> {
  return new Map((await knownConnectors(deps)).map(modelOf).map((model) => [model.uuid, model]));
}

/** What became of the connectors in between: who is new, who has changed, who has gone. */
export function changesOf(
  before: ReadonlyMap<string, ConnectorModel>,
  now: ReadonlyMap<string, ConnectorModel>,
): { type: 'registered' | 'refreshed' | 'unregistered'; uuid: string; name: string; url: string; ts: number }[] {
  const ts = Date.now() / 1_000;
  const frame = (type: 'registered' | 'refreshed' | 'unregistered', { uuid, name, url }: ConnectorModel) => {
    return { type, uuid, name, url, ts };
  };
  const here = [...now.values()].flatMap((model) => {
    const old = before.get(model.uuid);
    if (old === undefined) return [frame('registered', model)];
    return JSON.stringify(old) === JSON.stringify(model) ? [] : [frame('refreshed', model)];
  });
  const gone = [...before.values()].filter(({ uuid }) => !now.has(uuid));
  return [...here, ...gone.map((model) => frame('unregistered', model))];
}
