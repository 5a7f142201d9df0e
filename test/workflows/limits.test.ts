import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../activities/types.ts';
import type { Hours, Limits, LimitsChange } from '../../domain/limits.ts';
import { noCounters } from '../../domain/outcome.ts';
import { fits, type Share } from '../../domain/shares.ts';
import type { StartRequest } from '../../workflows/messages.ts';
import { ScanJob } from '../../workflows/scan-job/scan-job.ts';
import type { PageTask } from '../../workflows/scan-job/state.ts';

const NOW = '2026-11-23T00:00:00.000Z';
const LATER = '2026-11-23T01:00:00.000Z';
const at = Date.parse(NOW);
const ann = { job: 'job-1', actor: 'ann' };
const NIGHT: Hours = { timeZone: 'UTC', spans: [{ days: ['mon'], from: '22:00', to: '23:00' }] };
const ref = (name: string) => ({ name, hash: name });
const checkpoint: Checkpoint = { v: 1, done: '', hands: [], counters: noCounters(), parts: 0 };

function begun(changes: Partial<StartRequest> = {}, pages = 100, done = true): ScanJob {
  const settings = { filter: '', action: 'nothing', dryRun: false, scanner: 'dsxa' } as const;
  const source = { kind: 'folder', id: 'folder-1', path: '/data' } as const;
  const job = ScanJob.begin(
    { job: 'job-1', kind: 'full', source, settings, actor: 'test', window: 4, ...changes },
    NOW,
  );
  job.begun(ref('header'));
  job.opened({ fingerprint: 'disk-1' });
  if (job.takePlanning() === undefined) return job;
  const turn = { index: ref('i'), items: 1, bytes: 1, outside: 0, gaps: 0, pageItems: 500 };
  job.planned({ ...turn, pages, done });
  return job;
}

/** The job with what the driver knows: the pages in flight and their shares. */
class Drive {
  readonly job: ScanJob;
  readonly flying = new Map<string, { task: PageTask; share: Share; told: boolean }>();

  constructor(job: ScanJob) {
    this.job = job;
  }

  /** One pass of the driver. Returns the shares that it gave out. */
  pass(): Share[] {
    for (const page of this.job.takePagesToStop(false)) {
      const flight = this.flying.get(page);
      if (flight === undefined || flight.told) throw new Error(`${page} is told twice, or is not in flight`);
      flight.told = true;
    }
    const given: Share[] = [];
    for (let task = this.job.takePage(); task !== undefined; task = this.job.takePage()) {
      const share = this.job.shareOf(task.page);
      given.push(share);
      this.flying.set(task.page, { task, share, told: false });
      expect(fits(this.job.state.limits ?? {}, this.shares().slice(0, -1), share)).toBe(true);
    }
    return given;
  }

  shares(): Share[] {
    return [...this.flying.values()].map(({ share }) => share);
  }

  items(): number[] {
    return this.shares().map(({ items }) => items);
  }

  /** All pages that were told to come back are back. */
  settle(): void {
    for (const { task, told } of [...this.flying.values()]) if (told) this.land(task, 'open');
  }

  land(task: PageTask, end: 'open' | 'closed'): void {
    this.flying.delete(task.page);
    if (end === 'open') this.job.scanned(task, { end, checkpoint, why: 'cancelled' });
    else {
      const result = { page: task.page, listing: ref('l'), items: 1, segment: ref('s'), counters: noCounters() };
      this.job.scanned(task, { end, result });
    }
  }
}

const change: fc.Arbitrary<LimitsChange> = fc.record(
  {
    itemsInFlight: fc.option(fc.integer({ min: 1, max: 150 })),
    requestsPerSecond: fc.option(fc.integer({ min: 1, max: 100 })),
    bytesPerSecond: fc.option(fc.integer({ min: 1_024, max: 2 ** 22 })),
  },
  { requiredKeys: [] },
);
const step = fc.oneof(
  fc.record({ do: fc.constant('limits' as const), change }),
  fc.record({
    do: fc.constant('land' as const),
    which: fc.nat(),
    end: fc.constantFrom('open' as const, 'closed' as const),
  }),
  fc.record({ do: fc.constant('settle' as const) }),
);

describe('limits of a job', () => {
  it('are never exceeded by the shares in flight once they are given out, and never starve a job', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 8 }),
        fc.boolean(),
        (steps, window, done) => {
          const drive = new Drive(begun({ window }, 40, done));
          drive.pass();
          for (const one of steps) {
            if (one.do === 'limits') drive.job.setLimits({ ...ann, limits: one.change }, NOW);
            else if (one.do === 'settle') drive.settle();
            else {
              const flights = [...drive.flying.values()];
              const flight = flights[one.which % Math.max(1, flights.length)];
              if (flight !== undefined) drive.land(flight.task, flight.told ? 'open' : one.end);
            }
            drive.pass();
          }
          // What was told to come back comes back, and then the limits are used as far as there are pages for them.
          for (let i = 0; i < 3; i++) {
            drive.settle();
            drive.pass();
          }
          const limits: Limits = drive.job.state.limits ?? {};
          const open = drive.shares();
          expect([...drive.flying.values()].some(({ told }) => told)).toBe(false);
          expect(open.length === 0).toBe(drive.job.over || drive.job.state.pagesClosed === 40);
          const used = (of: (share: Share) => number | undefined) =>
            open.reduce((sum, share) => sum + (of(share) ?? 0), 0);
          if (open.length > 0 && limits.itemsInFlight !== undefined) {
            expect(used(({ items }) => items)).toBeLessThanOrEqual(limits.itemsInFlight);
          }
          for (const name of ['requestsPerSecond', 'bytesPerSecond'] as const) {
            const limit = limits[name];
            if (open.length === 0 || limit === undefined) continue;
            expect(used((share) => share[name])).toBeLessThanOrEqual(limit);
            if (done) expect(used((share) => share[name])).toBeGreaterThan(limit / 2 - open.length);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('lowered: all pages but those with a share that still exists come back; nothing new begins before', () => {
    const drive = new Drive(begun());
    expect(drive.pass()).toHaveLength(4);
    drive.job.setLimits({ ...ann, limits: { itemsInFlight: 2 } }, LATER);
    expect(drive.pass()).toEqual([]);
    expect(drive.job.takePagesToStop(false)).toEqual([]);
    expect(drive.job.progress().limits).toEqual({ itemsInFlight: 2, by: 'ann', since: LATER });
    for (const [i, { task }] of [...drive.flying.values()].entries()) {
      drive.land(task, 'open');
      expect(drive.pass().map(({ items }) => items)).toEqual(i === 3 ? [2] : []);
    }
    expect(drive.items()).toEqual([2]);
  });

  it('raised: what fits beside the page with the old share begins at once, the rest when it is back', () => {
    const drive = new Drive(begun({ limits: { itemsInFlight: 2 } }));
    drive.pass();
    drive.job.setLimits({ ...ann, limits: { itemsInFlight: 50 } }, LATER);
    expect(drive.pass().map(({ items }) => items)).toEqual([17, 17]);
    drive.settle();
    drive.pass();
    expect(drive.items()).toEqual([17, 17, 16]);
  });

  it('a page that ends hands its share to the next one; the last page has the whole', () => {
    const drive = new Drive(begun({ limits: { requestsPerSecond: 10 } }, 5));
    drive.pass();
    const rates = () => drive.shares().map((share) => share.requestsPerSecond);
    expect(rates()).toEqual([3, 3, 2, 2]);
    const [first] = drive.flying.values();
    drive.land(first?.task as PageTask, 'closed');
    drive.pass();
    expect(rates().sort()).toEqual([2, 2, 3, 3]);
    for (const left of [[4, 3, 3], [5, 5], [10]]) {
      drive.land([...drive.flying.values()][0]?.task as PageTask, 'closed');
      drive.pass();
      drive.settle();
      drive.pass();
      expect(rates().sort((a, b) => (b ?? 0) - (a ?? 0))).toEqual(left);
    }
  });

  it('the same limits again change nothing; null takes one away; who and why is kept', () => {
    const job = begun({ limits: { itemsInFlight: 5 } });
    expect(job.progress().limits).toEqual({ itemsInFlight: 5, by: 'test', since: NOW });
    const { revision } = job.state;
    job.setLimits({ ...ann, reason: 'again', limits: { itemsInFlight: 5, bytesPerSecond: null } }, LATER);
    expect(job.state.revision).toBe(revision);
    job.setLimits({ ...ann, reason: 'weekend', limits: { itemsInFlight: null } }, LATER);
    expect(job.progress().limits).toEqual({ by: 'ann', reason: 'weekend', since: LATER });
    job.cancel(ann, LATER);
    job.setLimits({ ...ann, limits: { itemsInFlight: 1 } }, LATER);
    expect(job.progress().limits?.itemsInFlight).toBeUndefined();
  });

  it('that can not be fail a job that is started with them', () => {
    const job = ScanJob.begin({ ...begun().state.request, limits: { itemsInFlight: 0 } }, NOW);
    job.begun(ref('header'));
    expect(job.mayOpen).toBe(false);
    expect(job.over).toBe(true);
    expect(job.progress().failure).toMatchObject({ code: 'limits_invalid' });
  });

  it('are carried into the next run', () => {
    const job = begun({ limits: { itemsInFlight: 5 } });
    job.setLimits({ ...ann, limits: { itemsInFlight: 3 } }, LATER);
    const next = new Drive(new ScanJob(JSON.parse(JSON.stringify(job.state))));
    next.pass();
    expect(next.items()).toEqual([3]);
  });
});

describe('hours of a job', () => {
  const open = { open: true, until: at + 1_000 };
  const shut = { open: false, until: at + 60_000 };

  it('nothing begins before it is known that they are open; storage is not even opened', () => {
    const job = ScanJob.begin({ ...begun().state.request, limits: { hours: NIGHT } }, NOW);
    job.begun(ref('header'));
    expect(job.mayOpen).toBe(false);
    expect(job.progress().idle).toBeUndefined();
    job.hoursAre(shut, at);
    expect(job.mayOpen).toBe(false);
    expect(job.progress()).toMatchObject({
      state: 'running',
      idle: { why: 'outside_hours', since: NOW, until: '2026-11-23T00:01:00.000Z' },
    });
    job.hoursAre(open, at + 60_000);
    expect(job.mayOpen).toBe(true);
    expect(job.progress().idle).toBeUndefined();
  });

  it('when they close, pages come back, nothing is planned or acted on, and what was done is committed', () => {
    const job = begun({ limits: { hours: NIGHT } }, 0);
    job.hoursAre(open, at);
    job.takePlanning();
    job.planned({ index: ref('i'), pages: 9, items: 9, bytes: 9, outside: 0, gaps: 0, pageItems: 500, done: false });
    const drive = new Drive(job);
    expect(drive.pass()).toHaveLength(4);
    job.hoursAre(shut, at + 1_000);
    expect(drive.pass()).toEqual([]);
    expect([...drive.flying.values()].every(({ told }) => told)).toBe(true);
    expect(job.takeCommit()).toBeUndefined();
    drive.settle();
    expect(drive.pass()).toEqual([]);
    expect(job.takePlanning()).toBeUndefined();
    expect(job.takeCommit()?.indexes).toHaveLength(1);
    expect(job.over).toBe(false);
    job.hoursAre(open, at + 60_000);
    expect(drive.pass()).toHaveLength(4);
  });

  it('others are not known yet: what runs runs on, nothing new begins; none at all open at once', () => {
    const drive = new Drive(begun());
    drive.pass();
    drive.job.setLimits({ ...ann, limits: { hours: NIGHT } }, NOW);
    const [first] = drive.flying.values();
    drive.land(first?.task as PageTask, 'closed');
    expect(drive.pass()).toEqual([]);
    expect([...drive.flying.values()].some(({ told }) => told)).toBe(false);
    drive.job.setLimits({ ...ann, limits: { hours: null } }, NOW);
    expect(drive.pass()).toHaveLength(1);
    drive.job.hoursAre(shut, at);
    expect(drive.job.mustStop).toBe(false);
  });

  it('pause, hold, resume and cancel work while they are closed, and whoever stopped the job is named', () => {
    const job = begun({ limits: { hours: NIGHT } });
    job.hoursAre(shut, at);
    job.pause({ ...ann, reason: 'audit' }, NOW);
    expect(job.progress()).toMatchObject({ state: 'paused', idle: { why: 'paused', by: 'ann', reason: 'audit' } });
    job.resume(NOW);
    expect(job.progress().idle?.why).toBe('outside_hours');
    job.hold('scanner_unreachable', 'refused', NOW);
    expect(job.progress()).toMatchObject({ state: 'held', idle: { why: 'held' } });
    expect(job.mayProbe).toBe(false);
    job.hoursAre(open, at);
    expect(job.mayProbe).toBe(true);
    job.cancel(ann, NOW);
    expect(job.progress()).toMatchObject({ state: 'cancelling', idle: { why: 'cancelling', by: 'ann' } });
    expect(job.over).toBe(true);
  });

  it('that nobody can tell are closed, with the reason', () => {
    const job = begun({ limits: { hours: NIGHT } });
    job.hoursAre({ open: false, problem: 'no such time zone' }, at);
    expect(job.mustStop).toBe(true);
    expect(job.progress().idle).toMatchObject({ why: 'outside_hours', reason: 'no such time zone' });
    const { revision } = job.state;
    job.hoursAre({ open: false, problem: 'no such time zone' }, at + 60_000);
    expect(job.state.revision).toBe(revision);
  });
});
