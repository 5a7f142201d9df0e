import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { JobProgress } from '../../domain/job.ts';
import { comparePlaces, FIRST_PLACE, KEPT_CHANGES } from '../../status/changes.ts';
import { KEPT_FINDINGS, type StatusStore } from '../../status/status.ts';
import { sampleLive, sampleProgress, sampleRow, sampleWatch } from '../support/samples.ts';

/** What every status store must do. `make` gives an empty one, with the retention given (milliseconds). */
export function statusConformance(
  name: string,
  make: (options: { retentionMs?: number }) => Promise<StatusStore>,
): void {
  describe(`${name}: status store`, () => {
    let store: StatusStore;
    beforeEach(async () => {
      store = await make({});
    });

    test('a job comes back as it was published', async () => {
      const progress = sampleProgress('job-1', { gaps: [{ class: 'failed', count: 2, detail: 'näme\n\u2028"\\' }] });
      expect(await store.publishJob(progress)).toBe(true);
      expect(await store.job('job-1')).toEqual({ progress, live: undefined });
    });

    test('how a connector is watched comes back, with what its turn told live', async () => {
      expect(await store.watch('docs')).toBeUndefined();
      expect(await store.publishWatch(sampleWatch({ revision: 4 }))).toBe(true);
      expect(await store.watch('docs')).toEqual(sampleWatch({ revision: 4 }));
      const live = { counts: { events: 2, ignored: 1, unreadable: 0 }, answeredAt: '2026-11-23T11:00:00.000Z' };
      await store.publishWatchLive('docs', live);
      expect(await store.watch('docs')).toMatchObject({ counts: { events: 5 }, answeredAt: live.answeredAt });
      // The turn has ended: its sum has what was told live.
      await store.publishWatch(
        sampleWatch({ revision: 5, counts: { ...live.counts, events: 5 }, answeredAt: live.answeredAt }),
      );
      expect(await store.watch('docs')).toMatchObject({ counts: { events: 5 } });
      await store.forgetWatch('docs');
      expect(await store.watch('docs')).toBeUndefined();
    });

    test('late writes never move a watch back, and a new watch replaces the old one', async () => {
      await store.publishWatch(sampleWatch({ revision: 10 }));
      expect(await store.publishWatch(sampleWatch({ revision: 9 }))).toBe(false);
      expect(await store.publishWatch(sampleWatch({ revision: 10 }))).toBe(true);
      expect(await store.publishWatch(sampleWatch({ revision: 1, startedAt: '2026-11-24T00:00:00.000Z' }))).toBe(true);
      expect(await store.publishWatch(sampleWatch({ revision: 11 }))).toBe(false);
      expect((await store.watch('docs'))?.revision).toBe(1);
    });

    test('what changed is told in order, from any place, and nothing when nothing did', async () => {
      const start = await store.changePlace();
      await store.publishJob(sampleProgress('job-1'));
      await store.publishJob(sampleProgress('job-1'));
      await store.publishFindings('job-1', [sampleRow('0-1:3')]);
      await store.publishFindings('job-1', [sampleRow('0-1:3')]);
      await store.publishWatch(sampleWatch({ revision: 4 }));
      await store.publishWatch(sampleWatch({ revision: 3 }));
      await store.publishJob(sampleProgress('job-1', { revision: 2, state: 'completed' }));
      await store.publishJob(sampleProgress('job-1', { revision: 3 }));
      const { kept, changes } = await store.changes(start, 100);
      expect(kept).toBe(true);
      expect(changes.map(({ id: _, ...change }) => change)).toEqual([
        { type: 'job', job: 'job-1' },
        { type: 'finding', job: 'job-1', row: sampleRow('0-1:3') },
        { type: 'connector', connector: 'docs' },
        { type: 'job', job: 'job-1' },
      ]);
      const ids = changes.map(({ id }) => id);
      expect(await store.changePlace()).toBe(ids[3]);
      expect((await store.changes(ids[0] as string, 2)).changes.map(({ id }) => id)).toEqual(ids.slice(1, 3));
      expect(await store.changes(ids[3] as string, 2)).toEqual({ kept: true, changes: [] });
      expect([...ids].sort(comparePlaces)).toEqual(ids);
    });

    test('a place that is none of its own, or was dropped, is not kept', async () => {
      await store.publishJob(sampleProgress('job-1'));
      const early = await store.changePlace();
      const many = KEPT_CHANGES * 1.2;
      for (let from = 0; from < many; from += 500) {
        const rows = Array.from({ length: 500 }, (_, at) => sampleRow(`0-1:${from + at}`));
        await store.publishFindings('job-1', rows);
      }
      expect((await store.changes(early, 1)).kept).toBe(false);
      expect((await store.changes('99999999999999-7', 1)).kept).toBe(false);
      expect((await store.changes(FIRST_PLACE, 1)).kept).toBe(false);
    });

    test('an unknown job is undefined, and has no findings', async () => {
      expect(await store.job('job-none')).toBeUndefined();
      expect(await store.findings('job-none', undefined, 10)).toEqual([]);
      expect(await store.jobs(10)).toEqual([]);
    });

    test('late and repeated writes never move a job back', async () => {
      await store.publishJob(sampleProgress('job-1', { revision: 9, listed: 90 }));
      expect(await store.publishJob(sampleProgress('job-1', { revision: 10, listed: 100 }))).toBe(true);
      expect(await store.publishJob(sampleProgress('job-1', { revision: 9, listed: 90 }))).toBe(false);
      expect((await store.job('job-1'))?.progress).toMatchObject({ revision: 10, listed: 100 });
      expect(await store.publishJob(sampleProgress('job-1', { revision: 10, listed: 100 }))).toBe(true);
      expect((await store.job('job-1'))?.progress).toMatchObject({ revision: 10, listed: 100 });
    });

    test('whatever order the revisions arrive in, the highest stays', async () => {
      const revisions = [5, 1, 12, 7, 100, 99, 2, 100, 31];
      await Promise.all(
        revisions.map((revision) => store.publishJob(sampleProgress('job-1', { revision, listed: revision }))),
      );
      expect((await store.job('job-1'))?.progress).toMatchObject({ revision: 100, listed: 100 });
    });

    test('a job that has ended does not run again', async () => {
      await store.publishJob(sampleProgress('job-1', { revision: 5, state: 'completed' }));
      expect(await store.publishJob(sampleProgress('job-1', { revision: 6, state: 'running' }))).toBe(false);
      expect((await store.job('job-1'))?.progress.state).toBe('completed');
    });

    test('the end of a job is newer than all that came before it, whatever revision the ledger gives it', async () => {
      await store.publishJob(sampleProgress('job-1', { revision: 57 }));
      expect(await store.publishJob(sampleProgress('job-1', { revision: 3, state: 'failed' }))).toBe(true);
      expect(await store.publishJob(sampleProgress('job-1', { revision: 58 }))).toBe(false);
      expect(await store.publishJob(sampleProgress('job-1', { revision: 59, state: 'cancelled' }))).toBe(true);
      expect(await store.publishJob(sampleProgress('job-1', { revision: 3, state: 'failed' }))).toBe(false);
      expect((await store.job('job-1'))?.progress).toMatchObject({ revision: 59, state: 'cancelled' });
    });

    test('any order of writes, with any of them repeated or lost but the newest, ends at the newest', async () => {
      let next = 0;
      const write = fc.record({ revision: fc.nat(30), final: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(
          fc.array(write, { minLength: 1, maxLength: 12 }),
          fc.infiniteStream(fc.nat()),
          async (all, at) => {
            const job = `job-p${next++}`;
            const writes = all.map(({ revision, final }) =>
              sampleProgress(job, { revision, listed: revision, state: final ? 'completed' : 'running' }),
            );
            const rank = (one: JobProgress): number => (one.state === 'completed' ? 1_000 : 0) + one.revision;
            const newest = writes.reduce((a, b) => (rank(b) > rank(a) ? b : a));
            const order = [...writes, ...writes]
              .map((one) => ({ one, key: at.next().value ?? 0 }))
              .sort((a, b) => a.key - b.key)
              .map(({ one }) => one);
            await Promise.all(order.map((one) => store.publishJob(one)));
            expect((await store.job(job))?.progress).toEqual(newest);
            const open = await store.open();
            expect(open.includes(job)).toBe(newest.state === 'running');
          },
        ),
        { numRuns: 60 },
      );
    });

    test('live figures of several workers are summed, and vanish', async () => {
      await store.publishJob(sampleProgress('job-1'));
      await store.publishLive('job-1', 'worker:a', sampleLive(10, 3), 60_000);
      await store.publishLive('job-1', 'worker:b', sampleLive(4, 2), 60_000);
      await store.publishLive('job-1', 'worker:b', sampleLive(6, 1), 60_000);
      expect((await store.job('job-1'))?.live).toEqual(sampleLive(16, 4));
      await store.publishLive('job-1', 'worker:a', sampleLive(10, 3), 1);
      await vi.waitFor(async () => expect((await store.job('job-1'))?.live).toEqual(sampleLive(6, 1)), { interval: 5 });
    });

    test('a short-lived worker does not shorten the life of another', async () => {
      await store.publishJob(sampleProgress('job-1'));
      await store.publishLive('job-1', 'a', sampleLive(1, 1), 60_000);
      await store.publishLive('job-1', 'b', sampleLive(1, 1), 1);
      await vi.waitFor(async () => expect((await store.job('job-1'))?.live).toEqual(sampleLive(1, 1)), { interval: 5 });
    });

    test('live figures before the job is known count once it is; none are left at its end, and none come after', async () => {
      await store.publishLive('job-1', 'a', sampleLive(3, 1), 60_000);
      await store.publishJob(sampleProgress('job-1'));
      expect((await store.job('job-1'))?.live).toEqual(sampleLive(3, 1));
      await store.publishJob(sampleProgress('job-1', { revision: 2, state: 'cancelled' }));
      expect((await store.job('job-1'))?.live).toBeUndefined();
      await store.publishLive('job-1', 'a', sampleLive(9, 9), 60_000);
      expect((await store.job('job-1'))?.live).toBeUndefined();
    });

    test('jobs are listed newest first, page by page, each once', async () => {
      const ids = Array.from({ length: 7 }, (_, i) => `job-20261123T08450${i}000-aaaaaa`);
      for (const id of [3, 0, 6, 1, 5, 2, 4]) await store.publishJob(sampleProgress(ids[id] as string));
      const seen: string[] = [];
      let after: JobProgress | undefined;
      for (;;) {
        const page = await store.jobs(3, after);
        if (page.length === 0) break;
        expect(page.length).toBeLessThanOrEqual(3);
        seen.push(...page.map(({ job }) => job));
        after = page.at(-1);
      }
      expect(seen).toEqual([...ids].reverse());
    });

    test('jobs are listed by their start, whatever their ids are; of one moment the greater id first', async () => {
      const starts = { 'job-b': 5, 'job-z': 1, 'job-a': 9, 'job-c': 5, 'job-d': 5 };
      for (const [job, second] of Object.entries(starts)) {
        await store.publishJob(sampleProgress(job, { startedAt: `2026-11-23T08:45:0${second}.000Z` }));
      }
      const seen: string[] = [];
      for (let page = await store.jobs(2); page.length > 0; page = await store.jobs(2, page.at(-1))) {
        seen.push(...page.map(({ job }) => job));
      }
      expect(seen).toEqual(['job-a', 'job-d', 'job-c', 'job-b', 'job-z']);
    });

    test('findings come in order, from any place, each once', async () => {
      await store.publishJob(sampleProgress('job-1'));
      const rows = ['0-1:0', '0-1:5', '0-2:1', '0-3:9'].map((item) => sampleRow(item));
      await store.publishFindings('job-1', rows.slice(0, 3));
      await store.publishFindings('job-1', rows.slice(1));
      await store.publishFindings('job-1', []);
      const all = await store.findings('job-1', undefined, 10);
      expect(all.map(({ row }) => row)).toEqual(rows);
      expect(new Set(all.map(({ id }) => id)).size).toBe(4);
      const first = await store.findings('job-1', undefined, 2);
      const rest = await store.findings('job-1', first.at(-1)?.id, 10);
      expect([...first, ...rest]).toEqual(all);
      expect(await store.findings('job-1', all.at(-1)?.id, 10)).toEqual([]);
    });

    test('how many findings are kept, and whether one of them is', async () => {
      expect(await store.findingsKept('job-1', '1-0')).toEqual({ count: 0, known: false });
      await store.publishFindings('job-1', [sampleRow('0-1:0'), sampleRow('0-1:1')]);
      const [first] = await store.findings('job-1', undefined, 1);
      expect(await store.findingsKept('job-1', first?.id)).toEqual({ count: 2, known: true });
      expect(await store.findingsKept('job-1')).toEqual({ count: 2, known: false });
    });

    test('only the last findings are kept, and a repeat of one of them is still left out', async () => {
      const rows = Array.from({ length: KEPT_FINDINGS + 700 }, (_, i) => sampleRow(`0-1:${i}`));
      await store.publishFindings('job-1', rows);
      await store.publishFindings('job-1', rows.slice(-50));
      const kept = await store.findings('job-1', undefined, KEPT_FINDINGS + 1000);
      expect(kept).toHaveLength(KEPT_FINDINGS);
      expect(kept[0]?.row.item).toBe('0-1:700');
      expect(kept.at(-1)?.row.item).toBe(`0-1:${KEPT_FINDINGS + 699}`);
    });

    test('a job is gone when its retention is over; one that runs stays', async () => {
      const brief = await make({ retentionMs: 1 });
      await brief.publishJob(sampleProgress('job-2'));
      await brief.publishFindings('job-1', [sampleRow('0-1:0')]);
      await brief.publishJob(sampleProgress('job-1', { state: 'completed' }));
      await vi.waitFor(async () => expect(await brief.job('job-1')).toBeUndefined(), { interval: 5 });
      expect((await brief.jobs(10)).map(({ job }) => job)).toEqual(['job-2']);
      expect(await brief.findings('job-1', undefined, 10)).toEqual([]);
      expect(await brief.job('job-2')).toBeDefined();
    });

    test('an end that is kept for the rest of its time only', async () => {
      await store.publishJob(sampleProgress('job-1', { state: 'completed' }), 1);
      await vi.waitFor(async () => expect(await store.job('job-1')).toBeUndefined(), { interval: 5 });
    });

    test('how far a rebuild came is noted for the epoch it began in', async () => {
      expect(await store.rebuild()).toBeUndefined();
      const note = {
        epoch: await store.epoch(),
        place: { startedAt: '2026-11-23T08:45:00.000Z', job: 'job-1' },
        done: false,
      };
      expect(await store.noteRebuild(note)).toBe(true);
      expect(await store.rebuild()).toEqual(note);
      expect(await store.noteRebuild({ ...note, done: true })).toBe(true);
      expect(await store.rebuild()).toEqual({ ...note, done: true });
      expect(await store.noteRebuild({ ...note, epoch: 'another', done: false })).toBe(false);
      expect(await store.rebuild()).toEqual({ ...note, done: true });
    });

    test('one owner at a time has the lock, keeps it, and lets it go or loses it with time', async () => {
      expect(await store.lock('a', 60_000)).toBe(true);
      expect(await store.lock('b', 60_000)).toBe(false);
      await store.unlock('b');
      expect(await store.lock('b', 60_000)).toBe(false);
      expect(await store.lock('a', 1)).toBe(true);
      await vi.waitFor(async () => expect(await store.lock('b', 60_000)).toBe(true), { interval: 5 });
      await store.unlock('b');
      expect(await store.lock('a', 60_000)).toBe(true);
    });

    test('the epoch stays as long as the data does', async () => {
      expect(await store.epoch()).toBe(await store.epoch());
      expect(await store.epoch()).not.toBe('');
      await store.ping();
    });
  });
}
