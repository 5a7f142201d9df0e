import { connect } from 'node:net';
import { createClient } from 'redis';
import { afterEach, expect, test, vi } from 'vitest';
import { STREAMS_PER_CALLER } from '../../api/around.ts';
import { API_PREFIX, type FeedEvent } from '../../api/contract.ts';
import { MAX_WAITING } from '../../api/feed/reader.ts';
import { readFrames, type SseFrame } from '../../api/sse-parser.ts';
import { createMemoryStatus } from '../../status/memory-status.ts';
import { createRedisStatus } from '../../status/redis-status.ts';
import { sampleProgress, sampleRow, sampleWatch } from '../support/samples.ts';
import { startValkey } from '../support/valkey.ts';
import { type Api, type ApiOptions, startApi } from './fixture.ts';

const open: Api[] = [];
async function start(options: ApiOptions = {}): Promise<Api> {
  const api = await startApi(options);
  open.push(api);
  return api;
}
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});

const short = (event: FeedEvent): string => {
  if (event.type === 'job') return `job ${event.job.job} ${event.job.state}`;
  if (event.type === 'finding') return `finding ${event.job} ${event.row.item} in ${event.source.id}`;
  return event.type === 'connector' ? `connector ${event.connector} ${event.watch?.state}` : event.type;
};
const shortFrame = ({ event, data }: SseFrame): string =>
  short({ type: event, ...JSON.parse(data ?? '{}') } as FeedEvent);

/** The frames of a stream as they were on the wire. The first one is there once this resolves. */
async function listen(api: Api, path = '/events', headers: Record<string, string> = {}) {
  const leave = new AbortController();
  const response = await api.ask(path, { headers, signal: leave.signal });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  const frames = readFrames(response.body as ReadableStream<Uint8Array>);
  const heard: SseFrame[] = [];
  const next = async (): Promise<SseFrame> => {
    const { value, done } = await frames.next();
    if (done) throw new Error('the stream has ended');
    heard.push(value);
    return value;
  };
  return { heard, next, leave: () => leave.abort() };
}

test('jobs, findings and connectors are told of as they change, in one order', async () => {
  const { status, client, stopping } = await start();
  const told: string[] = [];
  for await (const event of client().feed()) {
    told.push(short(event));
    if (event.type === 'open') {
      await status?.publishJob(sampleProgress('job-1'));
      await status?.publishFindings('job-1', [sampleRow('0-1:3')]);
      await status?.publishWatch(sampleWatch({ revision: 4 }));
      await status?.publishJob(sampleProgress('job-1', { revision: 2, state: 'completed' }));
    }
    if (event.type === 'job' && event.job.state === 'completed') break;
  }
  stopping.abort();
  const source = sampleProgress('job-1').source.id;
  expect(told).toEqual(['open', `finding job-1 0-1:3 in ${source}`, 'connector docs watching', 'job job-1 completed']);
});

test('only what was asked for is told', async () => {
  const { status, ...api } = await start();
  const docs = { kind: 'connector', id: 'docs' } as const;
  const streams = await Promise.all(
    ['types=finding', 'job=job-2', 'source=docs', 'source=docs&types=job,connector'].map((query) =>
      listen(api as Api, `/events?${query}`),
    ),
  );
  for (const stream of streams) expect(shortFrame(await stream.next())).toBe('open');
  await status?.publishJob(sampleProgress('job-1', { source: docs }));
  await status?.publishJob(sampleProgress('job-2'));
  await status?.publishFindings('job-1', [sampleRow('0-1:1')]);
  await status?.publishWatch(sampleWatch());
  await status?.publishFindings('job-2', [sampleRow('0-1:2')]);
  const other = sampleProgress('job-2').source.id;
  const expected = [
    ['finding job-1 0-1:1 in docs', `finding job-2 0-1:2 in ${other}`],
    ['job job-2 running', `finding job-2 0-1:2 in ${other}`],
    ['job job-1 running', 'finding job-1 0-1:1 in docs', 'connector docs watching'],
    ['job job-1 running', 'connector docs watching'],
  ];
  for (const [at, stream] of streams.entries()) {
    const told = [];
    for (const _ of expected[at] ?? []) told.push(shortFrame(await stream.next()));
    expect(told).toEqual(expected[at]);
    stream.leave();
  }
});

test('who comes back goes on behind the last event that he saw, and misses nothing', async () => {
  const api = await start();
  const rows = Array.from({ length: 1_700 }, (_, at) => sampleRow(`0-1:${at}`));
  const first = await listen(api);
  await first.next();
  await api.status?.publishJob(sampleProgress('job-1'));
  await api.status?.publishFindings('job-1', rows.slice(0, 1_000));
  while (first.heard.length < 601) await first.next();
  first.leave();
  const seen = first.heard.filter(({ event }) => event === 'finding');
  await api.status?.publishFindings('job-1', rows.slice(1_000, 1_500));
  const again = await listen(api, '/events?types=finding', { 'last-event-id': first.heard.at(-1)?.id ?? '' });
  await api.status?.publishFindings('job-1', rows.slice(1_500));
  while (seen.length + again.heard.length < rows.length) await again.next();
  again.leave();
  const items = [...seen, ...again.heard].map(({ data }) => JSON.parse(data ?? '').row.item);
  expect(items).toEqual(rows.map(({ item }) => item));
});

test.each(['1-1', 'nonsense', '99999999999999-0', "'; drop"])(
  'a place that is not known (%s) is answered with reset, and the stream goes on',
  async (place) => {
    const { status, ...api } = await start();
    await status?.publishWatch(sampleWatch({ revision: 1 }));
    await status?.publishWatch(sampleWatch({ revision: 2 }));
    const stream = await listen(api as Api, '/events', { 'last-event-id': place });
    expect(shortFrame(await stream.next())).toBe('reset');
    await status?.publishWatch(sampleWatch({ revision: 3 }));
    expect(shortFrame(await stream.next())).toBe('connector docs watching');
    stream.leave();
  },
);

test('when Redis has lost its data every reader is told so, and hears what comes after', async () => {
  const valkey = await startValkey();
  const status = await createRedisStatus(valkey.url);
  const raw = createClient({ url: valkey.url });
  await raw.connect();
  try {
    const api = await start({ status });
    const stream = await listen(api);
    expect(shortFrame(await stream.next())).toBe('open');
    await status.publishJob(sampleProgress('job-1'));
    expect(shortFrame(await stream.next())).toBe('job job-1 running');
    await raw.flushAll();
    expect(shortFrame(await stream.next())).toBe('reset');
    await status.publishJob(sampleProgress('job-2'));
    expect(shortFrame(await stream.next())).toBe('job job-2 running');
    stream.leave();
  } finally {
    raw.destroy();
    await status.close();
    await valkey.stop();
  }
});

test('however many read, the status is asked by one', async () => {
  const status = createMemoryStatus();
  const changes = vi.spyOn(status, 'changes');
  const job = vi.spyOn(status, 'job');
  const api = await start({ status });
  const streams = await Promise.all(Array.from({ length: STREAMS_PER_CALLER }, () => listen(api)));
  for (const stream of streams) await stream.next();
  changes.mockClear();
  await status.publishJob(sampleProgress('job-1'));
  for (const stream of streams) expect(shortFrame(await stream.next())).toBe('job job-1 running');
  // The look that saw it, and perhaps those around it.
  expect(changes.mock.calls.length).toBeLessThanOrEqual(4);
  expect(job.mock.calls.length).toBe(1);
  for (const stream of streams) stream.leave();
});

test('a reader who never reads is cut off, and what waits for him stays bounded', async () => {
  const { status, server, port } = await start();
  const deaf = connect(port, '127.0.0.1');
  deaf.on('error', () => undefined).pause();
  let most = 0;
  const gone = new Promise<void>((resolve) => {
    server.once('connection', (socket) => {
      const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
      socket.write = ((...args: unknown[]) => {
        const more = write(...args);
        most = Math.max(most, socket.writableLength);
        return more;
      }) as typeof socket.write;
      socket.once('close', () => resolve());
    });
  });
  deaf.write(`GET ${API_PREFIX}/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await status?.publishJob(sampleProgress('job-1'));
  let over = false;
  void gone.then(() => {
    over = true;
  });
  // The kernel takes some megabytes before the server has to keep anything.
  for (let from = 0; !over && from < 200_000; from += 100) {
    const rows = Array.from({ length: 100 }, (_, at) =>
      sampleRow(`0-1:${from + at}`, { location: `${'x'.repeat(4_000)}/${from + at}` }),
    );
    await status?.publishFindings('job-1', rows);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await gone;
  deaf.destroy();
  expect(most).toBeLessThan(2 * MAX_WAITING);
}, 60_000);

test('without Redis there is no such stream', async () => {
  const api = await start({ status: 'none' });
  const response = await api.ask('/events');
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await response.json()).toMatchObject({ code: 'status_unavailable' });
});
