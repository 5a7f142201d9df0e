import { beforeEach, describe, expect, test, vi } from 'vitest';
import { KEPT_FINDINGS, type StatusStore } from '../../status/status.ts';
import { sampleLive, sampleProgress, sampleRow } from '../support/samples.ts';

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
      let after: string | undefined;
      for (;;) {
        const page = await store.jobs(3, after);
        if (page.length === 0) break;
        expect(page.length).toBeLessThanOrEqual(3);
        seen.push(...page.map(({ job }) => job));
        after = page.at(-1)?.job;
      }
      expect(seen).toEqual([...ids].reverse());
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

    test('the epoch stays as long as the data does', async () => {
      expect(await store.epoch()).toBe(await store.epoch());
      expect(await store.epoch()).not.toBe('');
      await store.ping();
    });
  });
}
