import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { afterEach, expect, it } from 'vitest';
import { FAILURE } from '../../activities/types.ts';
import { noCounters, rowsOf } from '../../domain/outcome.ts';
import type { CommitBody } from '../../ledger/types.ts';
import { closedPage, PAGE_ITEMS, ref, Stage, turnOf, until } from '../support/stage.ts';

const NO_SPACE = 'ledger_no_space';
let stage: Stage;
afterEach(() => stage.close());

function holding(code: string, worker?: string): ApplicationFailure {
  const details = [{ code, detail: 'it is so', ...(worker !== undefined && { worker }) }];
  return ApplicationFailure.create({ message: 'it is so', type: FAILURE.hold, nonRetryable: true, details });
}

/** At every moment that was published the rows recorded are at most the items listed, and closed pages' rows are whole. */
function expectSums(published: Stage['published']): void {
  for (const progress of published) {
    expect(rowsOf(progress.counters)).toBeLessThanOrEqual(progress.listed);
    expect(rowsOf(progress.counters)).toBeGreaterThanOrEqual(progress.pages.closed * PAGE_ITEMS);
  }
}

it.each([
  ['is held', []],
  ['is held, continues as new', ['limit.historyCount.suggestContinueAsNew=400']],
])(
  'a ledger that refuses a commit is not asked again and again: the job %s, and goes on',
  async (_, config) => {
    let full = true;
    let asked = 0;
    stage = await Stage.open(
      (commits) => ({
        planPages: async () => turnOf(150, true),
        probe: async () => (full && asked > 0 ? { ok: false, code: NO_SPACE, detail: 'full' } : { ok: true }),
        commitPages: async (body) => {
          asked += 1;
          if (asked > 3) full = false;
          if (asked === 1) setTimeout(() => (full = false), 8_000);
          if (full) throw holding(NO_SPACE);
          commits.push(body);
          return ref(`commit-${body.number}`);
        },
      }),
      config,
    );
    const scan = await stage.start();
    const { runId } = await scan.run();
    await until(async () => (await scan.progress()).state === 'held');
    expect((await scan.progress()).idle).toMatchObject({ why: 'held', reason: expect.stringContaining(NO_SPACE) });
    await until(() => !full);
    // At most once in a run and once in the next one.
    expect(asked).toBeLessThanOrEqual(2);
    expect(await scan.result()).toMatchObject({ state: 'completed', listed: 1500 });
    const last = await scan.run();
    expect(last.runId !== runId).toBe(config.length > 0);
    expect(last.job).toBe(scan.job);
    expect(stage.commits.reduce((sum, { pages }) => sum + pages.length, 0)).toBe(150);
    expectSums(scan.states());
  },
  90_000,
);

it('an end that the ledger refuses for long goes on in new runs, with the same last commit each time', async () => {
  const bodies: CommitBody[] = [];
  stage = await Stage.open(
    () => ({
      commitPages: async (body) => {
        bodies.push(body);
        if (bodies.length < 4) throw holding(NO_SPACE);
        return ref('root');
      },
    }),
    ['limit.historyCount.suggestContinueAsNew=40'],
  );
  const scan = await stage.start();
  await until(() => bodies.length > 0);
  const { runId } = await scan.run();
  const result = await scan.result();
  expect(result).toMatchObject({ state: 'completed', root: 'root' });
  expect((await scan.run()).runId).not.toBe(runId);
  for (const body of bodies) expect(body).toEqual(bodies[0]);
  expect(bodies[0]?.account?.endedAt).toBeDefined();
}, 60_000);

it('a cancelled job whose storage never answered while it was opened ends cancelled, not failed', async () => {
  let opening = false;
  stage = await Stage.open(() => ({
    openJob: async () => {
      Context.current().heartbeat();
      opening = true;
      return new Promise<never>(() => undefined);
    },
  }));
  const scan = await stage.start();
  await until(() => opening);
  await scan.control('cancel');
  expect((await scan.result()).state).toBe('cancelled');
}, 60_000);

it('work that fails again and again although probes go well holds the job, at growing pauses', async () => {
  let plans = 0;
  stage = await Stage.open(() => ({
    planPages: async () => {
      plans += 1;
      throw holding('configuration', 'one');
    },
  }));
  const scan = await stage.start();
  await until(async () => (await scan.progress()).state === 'held', 30_000);
  expect((await scan.progress()).idle?.reason).toContain('configuration');
  expect(plans).toBeLessThanOrEqual(5);
  await scan.control('cancel');
  expect((await scan.result()).state).toBe('cancelled');
}, 60_000);

it('one worker of two that is cut off never holds the job', async () => {
  const names = ['well', 'cut-off'];
  let calls = 0;
  stage = await Stage.open(() => ({
    planPages: async () => turnOf(40, true),
    scanPage: async ({ page }) => {
      const worker = names[calls++ % 2];
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (worker === 'well') return closedPage(page, worker);
      const checkpoint = { v: 1 as const, done: '', hands: [], counters: noCounters(), parts: 0 };
      return { end: 'blocked', checkpoint, code: 'scanner_unreachable', detail: 'no route', worker: 'cut-off' };
    },
    // Every probe happens to be made by the worker that is cut off.
    probe: async () =>
      calls === 0
        ? { ok: true, worker: 'well' }
        : { ok: false, code: 'scanner_unreachable', detail: 'no route', worker: 'cut-off' },
  }));
  const scan = await stage.start();
  expect(await scan.result()).toMatchObject({ state: 'completed', listed: 400 });
  expect(scan.states().map(({ state }) => state)).not.toContain('held');
  expectSums(scan.states());
}, 60_000);

it('when every worker is cut off the job is held', async () => {
  let out = false;
  let calls = 0;
  stage = await Stage.open(() => ({
    planPages: async () => turnOf(40, true),
    scanPage: async ({ page }) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const worker = `worker-${calls++ % 2}`;
      if (!out) {
        if (calls > 10) out = true;
        return closedPage(page, worker);
      }
      const checkpoint = { v: 1 as const, done: '', hands: [], counters: noCounters(), parts: 0 };
      return { end: 'blocked', checkpoint, code: 'scanner_unreachable', detail: 'no route', worker };
    },
    probe: async () =>
      out
        ? { ok: false, code: 'scanner_unreachable', detail: 'no route', worker: 'worker-0' }
        : { ok: true, worker: 'worker-1' },
  }));
  const scan = await stage.start();
  await until(async () => (await scan.progress()).state === 'held', 30_000);
  out = false;
  calls = -1000;
  expect(await scan.result()).toMatchObject({ state: 'completed', listed: 400 });
}, 60_000);
