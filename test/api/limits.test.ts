import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { controlJobAnswer, jobResource } from '../../api/answer-schemas.ts';
import { ApiError } from '../../api/client.ts';
import type { Problem } from '../../api/contract.ts';
import { ControlError } from '../../api/control.ts';
import { sampleProgress } from '../support/samples.ts';
import { type Api, startApi } from './fixture.ts';

async function refusal(call: Promise<unknown>): Promise<{ code: string; status: number; problem?: Problem }> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ApiError)
      return { code: error.code, status: error.status, ...(error.problem && { problem: error.problem }) };
    throw error;
  }
  throw new Error('it was not refused');
}

let api: Api;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

describe('steering a job', () => {
  test('limits are set, changed one by one and removed, with who and why', async () => {
    const hours = { timeZone: 'Europe/Zurich', spans: [{ days: ['mon' as const], from: '22:00', to: '06:00' }] };
    const { job } = await api.client().startJob({ connector: 'share', limits: { itemsInFlight: 8, hours } });
    expect(api.control.running.get('full-scan:share')?.request.limits).toEqual({ itemsInFlight: 8, hours });
    expect((await api.client().job(job)).limits).toMatchObject({ itemsInFlight: 8, hours, by: 'local' });
    const set = await api.client().setLimits(job, { bytesPerSecond: 2 ** 20, itemsInFlight: null, reason: 'week' });
    controlJobAnswer.parse(set);
    expect(set).toMatchObject({ job, state: 'running', limits: { bytesPerSecond: 2 ** 20, hours, by: 'local' } });
    expect(set.limits?.itemsInFlight).toBeUndefined();
    expect(api.control.steered).toEqual(['limits by local: week']);
    // Limits are no settings: a start with others joins, and changes none.
    const again = await api.client().startJob({ connector: 'share', limits: { itemsInFlight: 1 } });
    expect(again).toMatchObject({ job, joined: true });
    expect((await api.client().job(job)).limits?.itemsInFlight).toBeUndefined();
  });

  test.each([
    [{}, ''],
    [{ reason: 'only' }, ''],
    [{ itemsInFlight: 0 }, 'itemsInFlight'],
    [{ itemsInFlight: '4' }, 'itemsInFlight'],
    [{ requestsPerSecond: 1.5 }, 'requestsPerSecond'],
    [{ bytesPerSecond: 1_000 }, 'bytesPerSecond'],
    [{ items: 3 }, 'items'],
    [
      { hours: { timeZone: 'Europe/Nowhere', spans: [{ days: ['mon'], from: '01:00', to: '02:00' }] } },
      'hours.timeZone',
    ],
    [{ hours: { timeZone: 'UTC', spans: [] } }, 'hours.spans'],
    [{ hours: { timeZone: 'UTC', spans: [{ days: ['Mon'], from: '01:00', to: '02:00' }] } }, 'hours.spans.0.days'],
    [{ hours: { timeZone: 'UTC', spans: [{ days: ['mon'], from: '1:00', to: '02:00' }] } }, 'hours.spans.0'],
  ])('limits that can not be are refused at their field: %j', async (body, field) => {
    const { job } = await api.client().startJob({ connector: 'share' });
    const problem = await refusal(api.client().setLimits(job, body as never));
    expect([problem.code, problem.status]).toEqual(['request_invalid', 400]);
    expect(problem.problem?.detail).toContain(field);
    expect(api.control.steered).toEqual([]);
  });

  test('limits at a start are refused the same way, and null is none', async () => {
    for (const limits of [{ itemsInFlight: 0 }, { itemsInFlight: null }, { hours: { timeZone: 'X', spans: [] } }]) {
      const problem = await refusal(api.client().startJob({ connector: 'share', limits } as never));
      expect([problem.code, problem.problem?.detail]).toEqual(['request_invalid', expect.stringContaining('limits.')]);
    }
  });

  test('every verb has the same answers for a job that can not be steered', async () => {
    const body = { itemsInFlight: 2 };
    const client = api.client();
    const verbs = {
      pause: (job: string) => client.pause(job),
      resume: (job: string) => client.resume(job),
      cancel: (job: string) => client.cancel(job),
      setLimits: (job: string) => client.setLimits(job, body),
    };
    await api.status?.publishJob(sampleProgress('job-ended', { state: 'completed' }));
    await client.startJob({ connector: 'share' });
    await api.status?.publishJob(sampleProgress('job-old', { source: { kind: 'connector', id: 'share' } }));
    const { job } = await client.startJob({ connector: 'plant-2' });
    await client.cancel(job);
    for (const [verb, steer] of Object.entries(verbs)) {
      expect(await refusal(steer('job-none')), verb).toMatchObject({ code: 'job_not_found', status: 404 });
      expect(await refusal(steer('job-ended')), verb).toMatchObject({ code: 'job_ended', status: 409 });
      expect(await refusal(steer('job-old')), verb).toMatchObject({ code: 'job_ended', status: 409 });
      if (verb === 'cancel') expect(await steer(job)).toMatchObject({ state: 'cancelling' });
      else expect(await refusal(steer(job)), verb).toMatchObject({ code: 'job_cancelling', status: 409 });
    }
    api.control.down = new ControlError('no_worker', 'nobody answered');
    for (const [verb, steer] of Object.entries(verbs)) {
      expect(await refusal(steer(job)), verb).toMatchObject({ code: 'no_worker', status: 503 });
    }
  });
});

describe('a job', () => {
  test('waits for a worker when nobody asks for its work; one that is stopped says why it is', async () => {
    api.control.queueAge = undefined;
    await api.status?.publishJob(sampleProgress('job-1'));
    const waiting = await api.client().job('job-1');
    jobResource.parse(waiting);
    expect(waiting).toMatchObject({ state: 'running', idle: { why: 'waiting_for_worker' } });
    expect(waiting.idle?.reason).toContain('dsx.orchestrate');
    await api.status?.publishJob(sampleProgress('job-2', { state: 'paused', idle: { why: 'paused', by: 'ann' } }));
    expect((await api.client().job('job-2')).idle).toEqual({ why: 'paused', by: 'ann' });
    const until = '2026-11-24T22:00:00.000Z';
    await api.status?.publishJob(sampleProgress('job-3', { idle: { why: 'outside_hours', until } }));
    const closed = await api.client().job('job-3');
    jobResource.parse(closed);
    expect(closed.idle).toEqual({ why: 'outside_hours', until });
    const { job } = await api.client().startJob({ connector: 'share' });
    expect(await api.client().job(job)).toMatchObject({ from: 'temporal', idle: { why: 'waiting_for_worker' } });
  });
});
