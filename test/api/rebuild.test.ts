import { afterEach, expect, test } from 'vitest';
import { jobList, rebuildAnswer } from '../../api/answer-schemas.ts';
import { ApiError } from '../../api/client.ts';
import { ControlError } from '../../api/control.ts';
import { StatusUnavailable } from '../../status/errors.ts';
import { createMemoryStatus } from '../../status/memory-status.ts';
import type { StatusStore } from '../../status/status.ts';
import { buildJob } from '../ledger/fixture.ts';
import { sampleProgress } from '../support/samples.ts';
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
function downStatus(): StatusStore {
  const fail = () => Promise.reject(new StatusUnavailable('status_down', 'Redis is down'));
  return new Proxy(createMemoryStatus(), { get: (_target, name) => (name === 'close' ? async () => undefined : fail) });
}
async function refusal(call: Promise<unknown>): Promise<[string, number]> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ApiError) return [error.code, error.status];
  throw new Error(`it was not refused: ${error}`);
}
const gone = new ControlError('temporal_unreachable', 'Temporal is away');

test('writes what runs and what ended within the retention; older ones stay with the ledger', async () => {
  const api = await start();
  const { job } = await api.client().startJob({ connector: 'share' });
  const ledger = await api.ledger.open();
  const old = await buildJob(ledger.job('job-old'), { pages: [['clean', 'malicious']] });
  expect(rebuildAnswer.parse(await api.client().rebuild())).toMatchObject({ running: 1, ended: 0, unanswered: [] });
  expect((await api.status?.job(job))?.progress.state).toBe('running');
  expect(await api.status?.job('job-old')).toBeUndefined();
  const note = await api.status?.rebuild();
  expect(note).toMatchObject({ done: true, epoch: await api.status?.epoch() });
  expect((await api.client().job('job-old')).root).toBe(old.root);
});

test('what is newer in the status is not moved back', async () => {
  const api = await start();
  const { job } = await api.client().startJob({ connector: 'share' });
  await api.status?.publishJob(sampleProgress(job, { revision: 900, listed: 900 }));
  await api.client().rebuild();
  expect((await api.status?.job(job))?.progress).toMatchObject({ revision: 900, listed: 900 });
});

test('without Redis, without Temporal: a problem that says so', async () => {
  const bare = await start({ status: 'none' });
  expect(await refusal(bare.client().rebuild())).toEqual(['status_unavailable', 503]);
  const blind = await start({ status: downStatus() });
  expect(await refusal(blind.client().rebuild())).toEqual(['status_unavailable', 503]);
  const lonely = await start();
  lonely.control.down = gone;
  expect(await refusal(lonely.client().rebuild())).toEqual(['temporal_unreachable', 503]);
});

test('the list names the sources that could not be asked, and shows what the others know', async () => {
  const api = await start({ status: downStatus() });
  const { job } = await api.client().startJob({ connector: 'share' });
  await buildJob((await api.ledger.open()).job('job-1'), { pages: [['clean']] });
  const list = jobList.parse(await api.client().jobs());
  expect(list.degraded).toEqual(['status_down']);
  expect(list.jobs.map((one) => [one.job, one.from])).toEqual([
    [job, 'temporal'],
    ['job-1', 'ledger'],
  ]);
  api.control.down = gone;
  const lonely = jobList.parse(await api.client().jobs());
  expect(lonely.degraded).toEqual(['status_down', 'temporal_unreachable']);
  expect(lonely.jobs.map((one) => one.job)).toEqual(['job-1']);
});

test('a job that runs, and of which nobody knows more, is named: it is not passed over', async () => {
  const api = await start({ status: 'none' });
  const { job } = await api.client().startJob({ connector: 'share' });
  api.control.progress = () => Promise.reject(new ControlError('no_worker', 'nobody answered'));
  expect(await api.client().jobs()).toEqual({ jobs: [], unanswered: [job] });
});

test('with nobody to ask, the list is a problem and not empty', async () => {
  const api = await start({ status: downStatus(), ledgerPlace: '/dev/null/ledger' });
  api.control.down = gone;
  const [code, status] = await refusal(api.client().jobs());
  expect([status, code]).toEqual([503, 'ledger_unavailable']);
});

test('a status that lost some of its jobs hides none of them', async () => {
  const api = await start();
  const ledger = await api.ledger.open();
  for (const id of ['job-a', 'job-b', 'job-c', 'job-d']) await buildJob(ledger.job(id), { pages: [['clean']] });
  const { startedAt } = await api.client().job('job-a');
  for (const id of ['job-a', 'job-d']) {
    await api.status?.publishJob(sampleProgress(id, { state: 'completed', startedAt }));
  }
  const seen: string[] = [];
  let after: string | undefined;
  do {
    const page = await api.client().jobs({ limit: 1, ...(after !== undefined && { after }) });
    seen.push(...page.jobs.map(({ job, from }) => `${job} ${from}`));
    after = page.next;
  } while (after !== undefined);
  expect(seen).toEqual(['job-d status', 'job-c ledger', 'job-b ledger', 'job-a status']);
});

test('a place that is none is refused', async () => {
  const api = await start();
  expect(await refusal(api.client().jobs({ after: 'no place at all' }))).toEqual(['request_invalid', 400]);
});
