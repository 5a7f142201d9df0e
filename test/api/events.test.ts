import { afterEach, expect, test, vi } from 'vitest';
import { ApiError } from '../../api/client.ts';
import type { JobEvent } from '../../api/contract.ts';
import { API_PREFIX } from '../../api/contract.ts';
import { serve, stopServing } from '../../api/server.ts';
import { readFrames } from '../../api/sse-parser.ts';
import { noCounters } from '../../domain/outcome.ts';
import { createRedisStatus } from '../../status/redis-status.ts';
import { buildJob } from '../ledger/fixture.ts';
import { sampleProgress, sampleRow } from '../support/samples.ts';
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

const found = (malicious: number) => ({ ...noCounters(), outcomes: { ...noCounters().outcomes, malicious } });
const short = (event: JobEvent): string =>
  event.type === 'finding' ? `finding ${event.row.item}` : `${event.type} ${event.job.state} ${event.job.revision}`;

/** Reads the stream as it is on the wire. */
async function* frames(api: Api, job: string, headers: Record<string, string> = {}) {
  const response = await api.ask(`/jobs/${job}/events`, { headers });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  if (response.body !== null) yield* readFrames(response.body);
}

test('progress and findings as they come, then the end, then nothing', async () => {
  const api = await start();
  await api.status?.publishJob(sampleProgress('job-1'));
  const seen: string[] = [];
  let step = 0;
  for await (const event of api.client().events('job-1')) {
    seen.push(short(event));
    step += 1;
    if (step === 1) {
      await api.status?.publishFindings('job-1', [sampleRow('0-1:3'), sampleRow('0-1:9')]);
      await api.status?.publishJob(sampleProgress('job-1', { revision: 2, counters: found(2) }));
    }
    if (step === 4)
      await api.status?.publishJob(sampleProgress('job-1', { revision: 3, state: 'completed', counters: found(2) }));
  }
  expect(seen).toEqual([
    'progress running 1',
    'finding 0-1:3',
    'finding 0-1:9',
    'progress running 2',
    'end completed 3',
  ]);
});

test('a job that has ended is told whole at once', async () => {
  const api = await start();
  await api.status?.publishFindings('job-1', [sampleRow('0-1:3')]);
  await api.status?.publishJob(sampleProgress('job-1', { state: 'cancelled', counters: found(1) }));
  const seen = [];
  for await (const event of api.client().events('job-1')) seen.push(short(event));
  expect(seen).toEqual(['finding 0-1:3', 'end cancelled 1']);
});

test('Last-Event-ID goes on behind the last finding seen', async () => {
  const api = await start();
  const rows = Array.from({ length: 1_200 }, (_, i) => sampleRow(`0-1:${i}`));
  await api.status?.publishFindings('job-1', rows);
  await api.status?.publishJob(sampleProgress('job-1', { state: 'completed', counters: found(rows.length) }));
  const ids: string[] = [];
  for await (const { id, event } of frames(api, 'job-1')) if (event === 'finding') ids.push(id ?? '');
  expect(new Set(ids).size).toBe(1_200);
  const rest = [];
  for await (const { event, data } of frames(api, 'job-1', { 'last-event-id': ids[999] as string })) {
    if (event === 'finding') rest.push((JSON.parse(data ?? '') as { row: { item: string } }).row.item);
  }
  expect(rest).toEqual(rows.slice(1_000).map(({ item }) => item));
});

test.each(['nonsense', 's', 's1', '', '9'.repeat(500), 's1-1\u00ff'])('the unknown id %j begins anew', async (id) => {
  const api = await start();
  await api.status?.publishFindings('job-1', [sampleRow('0-1:3')]);
  await api.status?.publishJob(sampleProgress('job-1', { state: 'completed', counters: found(1) }));
  const seen = [];
  for await (const { event } of frames(api, 'job-1', { 'last-event-id': id })) seen.push(event);
  expect(seen).toEqual(['finding', 'end']);
});

test('without Redis the findings come from the ledger, each once', async () => {
  const api = await start({ status: 'none' });
  const { rows } = await buildJob((await api.ledger.open()).job('job-1'), {
    pages: [
      ['malicious', 'clean'],
      ['policy_blocked', 'malicious'],
    ],
  });
  const seen: string[] = [];
  for await (const event of api.client().events('job-1')) if (event.type === 'finding') seen.push(event.row.item);
  const findings = rows.filter(({ outcome }) => outcome === 'malicious' || outcome === 'policy_blocked');
  expect(seen.sort()).toEqual(findings.map(({ item }) => item).sort());
});

test('findings that the status lost are told at the end, from the ledger', async () => {
  const api = await start();
  const { rows } = await buildJob((await api.ledger.open()).job('job-1'), {
    pages: [['malicious', 'malicious', 'malicious']],
  });
  await api.status?.publishFindings('job-1', rows.slice(1, 2));
  await api.status?.publishJob(sampleProgress('job-1', { state: 'completed', counters: found(3) }));
  const seen: string[] = [];
  for await (const event of api.client().events('job-1')) if (event.type === 'finding') seen.push(event.row.item);
  expect(seen).toEqual(['0-0:1', '0-0:0', '0-0:2']);
});

test('who comes back after the status has lost its data begins anew, and misses nothing', async () => {
  const api = await start();
  const { rows } = await buildJob((await api.ledger.open()).job('job-1'), {
    pages: [['malicious', 'malicious', 'malicious']],
  });
  await api.status?.publishFindings('job-1', rows.slice(2));
  await api.status?.publishJob(sampleProgress('job-1', { state: 'completed', counters: found(3) }));
  for (const id of ['s1700000000000-0', 's1-0']) {
    const seen: string[] = [];
    for await (const { event, data } of frames(api, 'job-1', { 'last-event-id': id })) {
      if (event === 'finding') seen.push((JSON.parse(data ?? '') as { row: { item: string } }).row.item);
    }
    // The place of the second id is there, but the status has fewer findings than there are: the ledger tells them all.
    expect([id, seen]).toEqual([id, id === 's1-0' ? ['0-0:0', '0-0:1', '0-0:2'] : ['0-0:2', '0-0:0', '0-0:1']]);
  }
});

test('a client that leaves is let go, and its stream is not counted any more', async () => {
  const api = await start();
  await api.status?.publishJob(sampleProgress('job-1'));
  for (let i = 0; i < 230; i += 1) {
    const leave = new AbortController();
    for await (const event of api.client().events('job-1', { signal: leave.signal })) {
      expect(event.type).toBe('progress');
      leave.abort();
    }
  }
}, 60_000);

test('the client goes on over a restart of the API, without losing or repeating a finding', async () => {
  const valkey = await startValkey();
  const status = await createRedisStatus(valkey.url);
  try {
    const api = await start({ status });
    await status.publishJob(sampleProgress('job-1'));
    await status.publishFindings('job-1', [sampleRow('0-1:0')]);
    const seen: string[] = [];
    for await (const event of api.client().events('job-1')) {
      seen.push(short(event));
      if (event.type === 'progress' && event.job.revision === 1 && seen.length === 2) {
        await status.publishFindings('job-1', [sampleRow('0-1:1')]);
        await status.publishJob(sampleProgress('job-1', { revision: 2, state: 'completed', counters: found(2) }));
        const listener = api.server.listeners('request')[0] as Parameters<typeof serve>[0];
        await new Promise<void>((resolve) => {
          api.server.close(() => resolve());
          api.server.closeAllConnections();
        });
        const again = await serve(listener, { host: '127.0.0.1', port: api.port });
        open.push({ ...api, stop: () => stopServing(again.server, 1_000) });
      }
    }
    expect(seen).toEqual(['finding 0-1:0', 'progress running 1', 'finding 0-1:1', 'end completed 2']);
  } finally {
    await status.close();
    await valkey.stop();
  }
});

test('the client gives up when the API stays away, and at once where coming back is no use', async () => {
  const api = await start();
  const lost = async (job: string, giveUpMs: number): Promise<string> => {
    try {
      for await (const event of api.client().events(job, { giveUpMs })) return event.type;
    } catch (error) {
      if (error instanceof ApiError) return error.code;
    }
    return 'ended';
  };
  expect(await lost('job-none', 60_000)).toBe('job_not_found');
  await api.stop();
  open.length = 0;
  expect(await lost('job-1', 1)).toBe('unreachable');
});

test('a server that stops cuts its streams without an end, and takes no new ones', async () => {
  const api = await start();
  await api.status?.publishJob(sampleProgress('job-1'));
  const seen: string[] = [];
  for await (const { event } of frames(api, 'job-1')) {
    seen.push(event);
    api.stopping.abort();
  }
  expect(seen).toEqual(['progress']);
  expect((await api.ask('/jobs/job-1/events')).status).toBe(503);
});

test('a quiet stream shows that it lives', async () => {
  const api = await start();
  await api.status?.publishJob(sampleProgress('job-1'));
  const real = performance.now.bind(performance);
  let ahead = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => real() + ahead);
  try {
    for await (const { event, data } of frames(api, 'job-1')) {
      if (data === undefined) break;
      expect(event).toBe('progress');
      ahead = 20_000;
    }
  } finally {
    vi.restoreAllMocks();
  }
});

test('frames are read however they are cut', async () => {
  const text = ': hi\r\nid: 7\r\nevent: x\r\ndata: {"ä":\ndata: "€"}\n\ndata:tight\n\nid: 8\ndata: cut';
  const bytes = Buffer.from(text);
  const whole = [];
  async function* pieces(size: number) {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  for await (const frame of readFrames(pieces(bytes.length))) whole.push(frame);
  expect(whole).toEqual([
    { id: undefined, event: '', data: undefined },
    { id: '7', event: 'x', data: '{"ä":\n"€"}' },
    { id: '7', event: 'message', data: 'tight' },
  ]);
  for (let size = 1; size < 12; size += 1) {
    const again = [];
    for await (const frame of readFrames(pieces(size))) again.push(frame);
    expect(again).toEqual(whole);
  }
});

test('the prefix is where clients look for it', () => {
  expect(API_PREFIX).toBe('/dsx-connect/api/v1');
});
