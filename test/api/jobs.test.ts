import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  actionPage,
  checkAnswer,
  jobList,
  jobResource,
  outcomePage,
  startJobAnswer,
} from '../../api/answer-schemas.ts';
import { ApiError } from '../../api/client.ts';
import type { JobResource, Problem } from '../../api/contract.ts';
import { ControlError } from '../../api/control.ts';
import { newJobId } from '../../api/job-id.ts';
import { folderSource } from '../../api/start-request.ts';
import { StatusUnavailable } from '../../status/errors.ts';
import { createMemoryStatus } from '../../status/memory-status.ts';
import type { StatusStore } from '../../status/status.ts';
import { buildJob } from '../ledger/fixture.ts';
import { sampleLive, sampleProgress } from '../support/samples.ts';
import { type Api, type ApiOptions, CONNECTORS, idleScanner, json, startApi } from './fixture.ts';

const open: Api[] = [];
async function start(options: ApiOptions = {}): Promise<Api> {
  const api = await startApi(options);
  open.push(api);
  return api;
}
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
/** A status that is switched off. */
function downStatus(): StatusStore {
  const fail = () => Promise.reject(new StatusUnavailable('status_down', 'Redis is down'));
  return new Proxy(createMemoryStatus(), { get: (_target, name) => (name === 'close' ? async () => undefined : fail) });
}

let api: Api;
beforeEach(async () => {
  api = await start();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});

describe('start', () => {
  test('an incremental scan: how long a verdict is taken is a setting, so that another one does not join', async () => {
    const client = api.client();
    const { job } = await client.startJob({ folder: '/srv/data', incremental: true });
    const { request } = [...api.control.running.values()][0] ?? {};
    expect(request?.settings).toMatchObject({ incremental: true, rescanAfter: 30 * 86_400 });
    const again = { folder: '/srv/data', incremental: true, rescanAfter: 30 * 86_400 };
    expect(await client.startJob(again)).toMatchObject({ job, joined: true });
    expect((await refusal(client.startJob({ ...again, rescanAfter: 60 }))).code).toBe('scan_running');
    expect((await refusal(client.startJob({ folder: '/srv/data' }))).code).toBe('scan_running');
  });

  test('a folder: the effective settings, the quarantine outside of it, and where to look', async () => {
    const response = await api.ask('/jobs', json({ folder: '/srv/data', filter: '*.exe', dryRun: true }));
    expect(response.status).toBe(201);
    const answer = startJobAnswer.parse(await response.json());
    const source = folderSource('/srv/data');
    expect(source.id).toMatch(/^folder-[0-9a-f]{16}$/);
    expect(answer).toEqual({
      job: expect.stringMatching(/^job-\d{8}T\d{6}-[0-9a-f]{9}$/),
      joined: false,
      links: {
        self: `/dsx-connect/api/v1/jobs/${answer.job}`,
        events: `/dsx-connect/api/v1/jobs/${answer.job}/events`,
        temporal: `http://127.0.0.1:8233/namespaces/default/workflows/${source.id}`,
      },
    });
    expect(api.control.running.get(source.id)?.request).toEqual({
      job: answer.job,
      kind: 'full',
      source,
      settings: {
        filter: '*.exe',
        action: 'nothing',
        quarantine: `${api.home}/quarantine/${source.id}`,
        dryRun: true,
        scanner: 'dsxa',
      },
      actor: 'local',
    });
  });

  test('a connector: its own settings where the request has none, and its site', async () => {
    const { job } = await api.client().startJob({ connector: 'share', action: 'nothing' });
    expect(api.control.running.get('full-scan:share')?.request).toMatchObject({
      job,
      source: { kind: 'connector', id: 'share' },
      settings: { filter: '*.docx', action: 'nothing', quarantine: '/srv/q', dryRun: false, scanner: 'dsxa' },
    });
    await api.client().startJob({ connector: 'plant-2' });
    const { site, settings } = api.control.running.get('full-scan:plant-2')?.request ?? {};
    expect([site, settings]).toEqual([
      'plant',
      { filter: '', action: 'nothing', dryRun: false, maxSize: 5, scanner: 'dsxa' },
    ]);
  });

  test('equal settings join with 200, others are refused and told which job runs', async () => {
    const first = await api.client().startJob({ folder: '/srv/data' });
    const again = await api.ask('/jobs', json({ folder: '/srv/data' }));
    expect([again.status, await again.json()]).toEqual([200, { ...first, joined: true }]);
    const other = await refusal(api.client().startJob({ folder: '/srv/data', action: 'delete' }));
    expect(other).toMatchObject({ code: 'scan_running', status: 409, problem: { job: first.job } });
  });

  test('who asked with a key is recorded as such', async () => {
    const locked = await start({ settings: { key: 'k'.repeat(16) } });
    await locked.client('k'.repeat(16)).startJob({ connector: 'share' });
    expect(locked.control.running.get('full-scan:share')?.request.actor).toBe('api-key');
  });

  test('folders are refused where folder scans are off', async () => {
    const strict = await start({ settings: { folderScans: false } });
    expect(await refusal(strict.client().startJob({ folder: '/srv/data' }))).toMatchObject({
      code: 'folder_scans_off',
      status: 403,
    });
  });

  test('without a named scanner nothing is started, and the three ways to name one are told', async () => {
    const bare = await start({ scanners: [idleScanner('standin', true)] });
    const { code, status, problem } = await refusal(bare.client().startJob({ folder: '/srv/data' }));
    expect([code, status]).toEqual(['scanner_not_named', 409]);
    for (const way of ['DSXA_SCANNER_URL', 'configuration file', '--scanner standin'])
      expect(problem?.detail).toContain(way);
    await bare.client().startJob({ folder: '/srv/data', scanner: 'standin' });
  });

  test.each(['stag', 'prod'] as const)('a stand-in is refused in %s, also under another name', async (appEnv) => {
    const strict = await start({ settings: { appEnv }, scanners: [idleScanner('dsxa'), idleScanner('toy', true)] });
    for (const scanner of ['standin', 'toy']) {
      expect((await refusal(strict.client().startJob({ folder: '/x', scanner }))).code).toBe('standin_refused');
    }
    await strict.client().startJob({ folder: '/x' });
  });

  test('no worker: 503, with the job that may still begin', async () => {
    api.control.down = new ControlError('no_worker', 'nobody answered');
    const { code, status, problem } = await refusal(api.client().startJob({ folder: '/x' }));
    expect([code, status]).toEqual(['no_worker', 503]);
    expect(problem?.job).toMatch(/^job-/);
    expect(problem?.detail).toContain(String(problem?.job));
  });

  test('no Temporal: 503', async () => {
    api.control.down = new ControlError('temporal_unreachable', 'refused');
    expect(await refusal(api.client().startJob({ folder: '/x' }))).toMatchObject({
      code: 'temporal_unreachable',
      status: 503,
    });
  });
});

test('job ids sort by time and are not repeated', () => {
  const at = (ms: number): string => newJobId(new Date(Date.UTC(2026, 10, 23, 8, 45, 0, ms)));
  expect(at(0)).toMatch(/^job-20261123T084500-000[0-9a-f]{6}$/);
  const ids = [0, 9, 10, 99, 255, 256, 999, 1000].map(at);
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(Array.from({ length: 1000 }, () => at(0))).size).toBeGreaterThan(990);
});

describe('control', () => {
  test('pause, resume and cancel reach the job, with who and why', async () => {
    const { job } = await api.client().startJob({ connector: 'share' });
    expect(await api.client().pause(job, 'lunch')).toMatchObject({ job, state: 'paused', revision: 2 });
    expect(await api.client().resume(job)).toMatchObject({ job, state: 'running' });
    const bare = await api.ask(`/jobs/${job}/cancel`, { method: 'POST' });
    expect(await bare.json()).toMatchObject({ job, state: 'cancelling' });
    expect(api.control.steered).toEqual(['pause by local: lunch', 'resume by local', 'cancel by local']);
    expect(await refusal(api.client().pause(job))).toMatchObject({ code: 'job_cancelling', status: 409 });
  });

  test('an unknown job is 404, one that has ended 409, from whatever tells it', async () => {
    expect(await refusal(api.client().pause('job-none'))).toMatchObject({ code: 'job_not_found', status: 404 });
    await api.status?.publishJob(sampleProgress('job-2', { state: 'completed' }));
    expect(await refusal(api.client().cancel('job-2'))).toMatchObject({ code: 'job_ended', status: 409 });
    await buildJob((await api.ledger.open()).job('job-3'), { pages: [['clean']] });
    expect(await refusal(api.client().resume('job-3'))).toMatchObject({ code: 'job_ended', status: 409 });
    await api.status?.publishJob(sampleProgress('job-4'));
    expect(await refusal(api.client().resume('job-4'))).toMatchObject({ code: 'job_ended', status: 409 });
  });

  test('the next job of the same source is not steered by the name of the last one', async () => {
    await api.client().startJob({ connector: 'share' });
    await api.status?.publishJob(sampleProgress('job-old', { source: { kind: 'connector', id: 'share' } }));
    expect(await refusal(api.client().cancel('job-old'))).toMatchObject({ code: 'job_ended', status: 409 });
  });
});

describe('a job', () => {
  test('comes from the status with its live figures', async () => {
    await api.status?.publishJob(sampleProgress('job-1'));
    await api.status?.publishLive('job-1', 'w1', sampleLive(3, 2), 60_000);
    const found = await api.client().job('job-1');
    jobResource.parse(found);
    expect(found).toEqual({
      ...sampleProgress('job-1'),
      live: sampleLive(3, 2),
      from: 'status',
      ledger: `${api.home}/ledger/job-1`,
    });
  });

  test('comes from Temporal right after its start, and when Redis is down', async () => {
    const { job } = await api.client().startJob({ connector: 'share' });
    expect(await api.client().job(job)).toMatchObject({ job, from: 'temporal', state: 'running' });
    const blind = await start({ status: downStatus() });
    const other = await blind.client().startJob({ connector: 'share' });
    expect(await blind.client().job(other.job)).toMatchObject({ from: 'temporal' });
  });

  test('comes from the ledger once it has ended, with its root', async () => {
    const ledger = await api.ledger.open();
    const built = await buildJob(ledger.job('job-1'), { pages: [['clean', 'malicious', 'failed']] });
    const found = await api.client().job('job-1');
    jobResource.parse(found);
    expect(found).toMatchObject({ from: 'ledger', root: built.root, listed: 3 });
    expect(found.counters.outcomes).toMatchObject({ clean: 1, malicious: 1, failed: 1 });
  });

  test('comes from the last commit, and says so, when nobody else knows', async () => {
    const ledger = await api.ledger.open();
    await buildJob(ledger.job('job-1'), { pages: [['clean', 'clean']], final: false });
    const found = await api.client().job('job-1');
    expect(found).toMatchObject({ from: 'ledger', state: 'running', idle: { why: 'waiting_for_worker' } });
    expect(found.root).toBeUndefined();
  });

  test('has ended when its ledger says so, though the status missed the end', async () => {
    const ledger = await api.ledger.open();
    const { root } = await buildJob(ledger.job('job-1'), { pages: [['clean']] });
    await api.status?.publishJob(sampleProgress('job-1', { state: 'running' }));
    expect(await api.client().job('job-1')).toMatchObject({ from: 'ledger', root });
  });

  test('was started but nobody answers for it: 503, not 404', async () => {
    const { job } = await api.client().startJob({ connector: 'share' });
    api.control.down = new ControlError('no_worker', 'nobody answered');
    expect(await refusal(api.client().job(job))).toMatchObject({ code: 'no_worker', status: 503 });
  });
});

describe('a job that nobody shows', () => {
  test.each(['no_worker', 'temporal_unreachable'] as const)(
    'is not said to be none while Temporal can not be asked: %s',
    async (code) => {
      api.control.down = new ControlError(code, 'nobody answered');
      expect(await refusal(api.client().job('job-9'))).toMatchObject({ code, status: 503 });
      api.control.down = undefined;
      expect(await refusal(api.client().job('job-9'))).toMatchObject({ code: 'job_not_found', status: 404 });
    },
  );
});

describe('the list', () => {
  test('joins status and ledger, newest first, page by page, each job once', async () => {
    const ledger = await api.ledger.open();
    const ids = Array.from({ length: 6 }, (_, i) => `job-2026112${i}T084500-000aaaaaa`);
    for (const id of ids.slice(0, 4)) await buildJob(ledger.job(id), { pages: [['clean']] });
    for (const id of ids.slice(3)) await api.status?.publishJob(sampleProgress(id));
    const seen: JobResource[] = [];
    let after: string | undefined;
    do {
      const page = jobList.parse(await api.client().jobs({ limit: 2, ...(after !== undefined && { after }) }));
      seen.push(...page.jobs);
      after = page.next;
    } while (after !== undefined);
    expect(seen.map(({ job }) => job)).toEqual([...ids].reverse());
    expect(seen.map(({ from }) => from)).toEqual(['status', 'status', 'status', 'ledger', 'ledger', 'ledger']);
  });

  test('comes from the ledger alone when Redis is down or not configured', async () => {
    for (const status of [downStatus(), 'none'] as const) {
      const blind = await start({ status });
      await buildJob((await blind.ledger.open()).job('job-1'), { pages: [['clean']] });
      expect((await blind.client().jobs()).jobs.map(({ job, from }) => [job, from])).toEqual([['job-1', 'ledger']]);
    }
  });

  test('is empty at first', async () => {
    expect(await api.client().jobs()).toEqual({ jobs: [] });
  });
});

describe('rows', () => {
  test('outcomes page by page, filtered, every row once', async () => {
    const ledger = await api.ledger.open();
    const { rows } = await buildJob(ledger.job('job-1'), {
      pages: [['clean', 'malicious', 'clean'], ['failed'], ['clean', 'clean', 'malicious']],
    });
    const seen: unknown[] = [];
    let after: string | undefined;
    do {
      const page = await api.client().outcomes('job-1', { limit: 2, ...(after !== undefined && { after }) });
      outcomePage.parse(page);
      seen.push(...page.rows);
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(rows);
    const bad = await api.client().outcomes('job-1', { outcome: 'malicious' });
    expect(bad.rows).toEqual(rows.filter(({ outcome }) => outcome === 'malicious'));
    const prefixed = await api.client().outcomes('job-1', { prefix: 'folder 0-2/' });
    expect(prefixed.rows).toHaveLength(3);
  });

  test('actions, filtered by state', async () => {
    const ledger = await api.ledger.open();
    const { actions } = await buildJob(ledger.job('job-1'), {
      pages: [['malicious', 'clean'], ['malicious']],
      settings: { action: 'move' },
    });
    expect(actionPage.parse(await api.client().actions('job-1')).rows).toEqual(actions);
    expect((await api.client().actions('job-1', { state: 'failed' })).rows).toEqual([]);
  });

  test('a place that is no place of this job is refused', async () => {
    const ledger = await api.ledger.open();
    await buildJob(ledger.job('job-1'), { pages: [['clean', 'clean']] });
    await buildJob(ledger.job('job-2'), { pages: [['clean']] });
    const { next } = await api.client().outcomes('job-1', { limit: 1 });
    for (const [job, after] of [
      ['job-1', 'x'],
      ['job-2', next as string],
    ] as const) {
      expect(await refusal(api.client().outcomes(job, { after }))).toMatchObject({
        code: 'request_invalid',
        status: 400,
      });
    }
    expect(await refusal(api.client().actions('job-1', { after: next as string }))).toMatchObject({ status: 400 });
  });

  test('a job that was started has none yet', async () => {
    const { job } = await api.client().startJob({ connector: 'share' });
    expect(await api.client().outcomes(job)).toEqual({ rows: [] });
  });
});

describe('connectors', () => {
  test('are listed, found, and checked at their site', async () => {
    const { connectors } = await api.client().connectors();
    expect(connectors.map(({ id }) => id)).toEqual(['share', 'plant-2']);
    expect(await api.client().connector('share')).toEqual(connectors[0]);
    checkAnswer.parse(await api.client().check({ connector: 'plant-2' }, 'tag'));
    await api.client().check({ connector: 'share' });
    expect(api.control.checked).toEqual([
      { source: { kind: 'connector', id: 'plant-2' }, action: 'tag', site: 'plant' },
      { source: { kind: 'connector', id: 'share' }, action: 'move', quarantine: '/srv/q' },
    ]);
  });

  test('a check that nobody takes is 503', async () => {
    api.control.down = new ControlError('no_worker', 'nobody answered');
    expect(await refusal(api.client().check({ connector: 'share' }))).toMatchObject({ code: 'no_worker', status: 503 });
  });
});

describe('readiness', () => {
  const stateOf = async (one: Api, name: string) =>
    (await one.client().readyz()).checks.find((check) => check.name === name)?.state;

  test('is there when everything answers', async () => {
    const response = await api.ask('/readyz');
    expect(response.status).toBe(200);
    const ready = await api.client().readyz();
    expect(ready.checks.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'temporal ok',
      'workers ok',
      'fairness ok',
      'redis ok',
      'ledger ok',
      'scanner ok',
    ]);
  });

  test('tells nothing of storages: no connector, asset or filter', async () => {
    const body = await (await api.ask('/readyz')).text();
    for (const { id, asset, filter } of CONNECTORS)
      for (const told of [id, asset, filter]) if (told !== '') expect(body).not.toContain(told);
  });

  test('goes with Temporal and with the workers', async () => {
    api.control.queueAge = 120_000;
    expect((await api.ask('/readyz')).status).toBe(503);
    expect(await stateOf(api, 'workers')).toBe('problem');
    api.control.down = new ControlError('temporal_unreachable', 'refused');
    expect(await stateOf(api, 'temporal')).toBe('problem');
    expect((await api.ask('/healthz')).status).toBe(200);
  });

  test('says when Temporal gives one job all turns, and does not depend on it', async () => {
    api.control.isFair = false;
    expect((await api.ask('/readyz')).status).toBe(200);
    expect(await stateOf(api, 'fairness')).toBe('problem');
  });

  test('does not depend on Redis or the scanner', async () => {
    const blind = await start({ status: downStatus(), scanners: [] });
    expect((await blind.ask('/readyz')).status).toBe(200);
    expect([await stateOf(blind, 'redis'), await stateOf(blind, 'scanner')]).toEqual(['problem', 'off']);
  });
});

test('the version names the scanners', async () => {
  expect(await api.client().version()).toEqual({
    name: 'dsx-connect',
    version: '1.2.3',
    node: process.versions.node,
    scanners: [
      { name: 'dsxa', standIn: false },
      { name: 'standin', standIn: true },
    ],
  });
});

describe('a list of some jobs', () => {
  test('has those that fit, each once, in as many pages as it takes', async () => {
    const some = ['running', 'paused', 'completed', 'failed'] as const;
    for (let i = 0; i < 30; i++) {
      const startedAt = `2026-11-23T09:00:${String(i).padStart(2, '0')}.000Z`;
      const source = { kind: 'connector', id: i % 5 === 0 ? 'share' : 'plant-2' } as const;
      await api.status?.publishJob(sampleProgress(`job-${i}`, { startedAt, source, state: some[i % 4] ?? 'running' }));
    }
    const client = api.client();
    const { jobs: all } = await client.jobs({ limit: 1_000 });
    expect(all).toHaveLength(30);
    for (const state of [...some, 'running,failed']) {
      const wanted = all.filter((job) => state.split(',').includes(job.state));
      const found: string[] = [];
      let after: string | undefined;
      do {
        const page = await client.jobs({ limit: 2, state, ...(after !== undefined && { after }) });
        found.push(...page.jobs.map(({ job }) => job));
        after = page.next;
      } while (after !== undefined);
      expect(found).toEqual(wanted.map(({ job }) => job));
    }
    const shared = await client.jobs({ source: 'share', state: 'running' });
    expect(shared.jobs.map(({ job }) => job)).toEqual(['job-20', 'job-0']);
    expect(shared.next).toBeUndefined();
    expect((await client.jobs({ source: 'nobody' })).jobs).toEqual([]);
    expect((await client.jobs({ kind: 'retry,apply' })).jobs).toEqual([]);
    expect((await refusal(client.jobs({ state: 'done' }))).code).toBe('request_invalid');
  });
});
