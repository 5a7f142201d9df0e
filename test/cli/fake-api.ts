import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { API_PREFIX, type JobEvent, type JobResource, type ScannerCheckAnswer } from '../../api/contract.ts';
import type { ActionRow } from '../../domain/action.ts';
import { isFinal } from '../../domain/job.ts';
import { changedLimits } from '../../domain/limits.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { endedJob, runningJob } from './samples.ts';

/** An HTTP server that speaks the contract of the API about one job, which the test moves along. */
export interface FakeApi {
  readonly origin: string;
  job: JobResource;
  outcomes: OutcomeRow[];
  actions: ActionRow[];
  /** Other jobs that are listed. */
  others: JobResource[];
  /** How the answer of the scanner check differs from a good one. */
  scanner: Partial<ScannerCheckAnswer>;
  /** Answer of `POST /jobs`; the default starts the job. */
  onStart: (body: Record<string, unknown>) => { status: number; body: object };
  /** Called for `cancel`; the default ends the job as cancelled. */
  onCancel: () => void;
  readonly starts: Record<string, unknown>[];
  /** The `Idempotency-Key` of each start. */
  readonly keys: (string | undefined)[];
  /** Further members of the list of jobs. */
  list: object;
  /** Answer of `POST /jobs/rebuild`. */
  onRebuild: () => { status: number; body: object };
  readonly controls: { readonly verb: string; readonly [field: string]: unknown }[];
  /** Event streams opened so far. */
  readonly streams: () => number;
  /** Resolves when so many event streams have been opened. */
  streamOpened(n: number): Promise<void>;
  send(event: JobEvent): void;
  /** Ends the job and tells it. */
  end(changes?: Partial<JobResource>): void;
  /** Cuts every connection, as a process that dies. */
  cut(): void;
  close(): Promise<void>;
}

export async function fakeApi(): Promise<FakeApi> {
  const open = new Set<ServerResponse>();
  let opened = 0;
  let told: { n: number; resolve: () => void }[] = [];
  const server: Server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const api: FakeApi = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    job: runningJob(),
    outcomes: [],
    actions: [],
    others: [],
    scanner: {},
    starts: [],
    keys: [],
    list: {},
    onRebuild: () => ({ status: 503, body: problem(503, 'status_unavailable') }),
    controls: [],
    onStart: () => ({ status: 201, body: { job: api.job.job, joined: false, links: { self: '', events: '' } } }),
    onCancel: () => api.end({ state: 'cancelled' }),
    streams: () => opened,
    streamOpened: (n) => (opened >= n ? Promise.resolve() : new Promise((resolve) => told.push({ n, resolve }))),
    send(event) {
      const { type, ...data } = event;
      for (const stream of open) stream.write(`event: ${type}\nid: 1\ndata: ${JSON.stringify(data)}\n\n`);
    },
    end(changes = {}) {
      api.job = endedJob(changes);
      api.send({ type: 'end', job: api.job });
      for (const stream of open) stream.end();
      open.clear();
    },
    cut() {
      open.clear();
      server.closeAllConnections();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', api.origin);
    const [, jobs, id, rest] = url.pathname.slice(API_PREFIX.length).split('/');
    const json = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (url.pathname.endsWith('/test/dsxa-connection')) {
      const good = { scanner: 'x', ok: true, detail: 'fine', standIn: true, elapsedMs: 1 };
      return json(200, { ...good, ...api.scanner });
    }
    if (jobs !== 'jobs') return json(404, problem(404, 'not_found'));
    if (id === undefined && request.method === 'POST') {
      const body = JSON.parse(await textOf(request)) as Record<string, unknown>;
      api.starts.push(body);
      api.keys.push(request.headers['idempotency-key'] as string | undefined);
      const said = api.onStart(body);
      return json(said.status, said.body);
    }
    if (id === undefined) return json(200, { jobs: [api.job, ...api.others], ...api.list });
    if (id === 'rebuild') {
      const said = api.onRebuild();
      return json(said.status, said.body);
    }
    if (id !== api.job.job) return json(404, problem(404, 'no_such_job'));
    if (request.method === 'POST') {
      const { reason, ...limits } = JSON.parse((await textOf(request)) || '{}') as { reason?: string };
      api.controls.push({ verb: rest ?? '', ...(reason !== undefined && { reason }), ...limits });
      if (isFinal(api.job.state)) return json(409, problem(409, 'job_ended'));
      if (rest === 'limits') {
        const changed = {
          ...changedLimits(api.job.limits ?? {}, limits),
          by: 'local',
          since: '2026-11-23T10:00:00.000Z',
        };
        api.job = { ...api.job, limits: changed };
        return json(200, { job: id, state: api.job.state, limits: changed, revision: 2, links: { self: '' } });
      }
      const { listed, listingDone, counters, actions } = api.job;
      const done = rest === 'cancel' ? { done: { listed, listingDone, counters, actions } } : {};
      const state = rest === 'cancel' ? 'cancelling' : api.job.state;
      json(200, { job: id, state, ...done, revision: 2, links: { self: '' } });
      if (rest === 'cancel') api.onCancel();
      return;
    }
    if (rest === undefined) return json(200, api.job);
    if (rest === 'outcomes')
      return json(
        200,
        paged(api.outcomes, url, 'outcome', (row) => row.outcome),
      );
    if (rest === 'actions')
      return json(
        200,
        paged(api.actions, url, 'state', (row) => row.state),
      );
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.on('close', () => open.delete(response));
    open.add(response);
    opened += 1;
    const type = isFinal(api.job.state) ? 'end' : 'progress';
    response.write(`event: ${type}\nid: 1\ndata: ${JSON.stringify({ job: api.job })}\n\n`);
    if (type === 'end') response.end();
    for (const one of told) if (opened >= one.n) one.resolve();
    told = told.filter((one) => opened < one.n);
  }
  return api;
}

function paged<Row>(
  rows: Row[],
  url: URL,
  filter: string,
  value: (row: Row) => string,
): { rows: Row[]; next?: string } {
  const wanted = url.searchParams.get(filter);
  const limit = Number(url.searchParams.get('limit') ?? 100);
  const from = Number(url.searchParams.get('after') ?? 0);
  const fitting = wanted === null ? rows : rows.filter((row) => value(row) === wanted);
  const next = from + limit < fitting.length ? { next: String(from + limit) } : {};
  return { rows: fitting.slice(from, from + limit), ...next };
}

export function problem(status: number, code: string, extra: object = {}): object {
  return { type: 'about:blank', title: code, status, code, detail: `the fake says ${code}`, ...extra };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
