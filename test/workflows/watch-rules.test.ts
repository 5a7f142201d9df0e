import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WatchOrder } from '../../domain/watch.ts';
import { Watch } from '../../workflows/connector-watch/rules.ts';

const ORDER: WatchOrder = { connector: 'docs', webhook: false, pull: 'sqs', subscribes: false };
const SCAN = { filter: '', action: 'nothing' as const, dryRun: false, scanner: 'dsxa' };
const NOW = Date.parse('2026-11-23T10:00:00Z');
const none = { events: 0, ignored: 0, unreadable: 0 };
const begin = (more: Partial<WatchOrder> = {}) => Watch.begin({ ...ORDER, ...more }, NOW);
const failure = { code: 'storage_error', detail: 'no', hold: false };

describe('turns', () => {
  test('one begins at once, goes on where the last one stopped, and adds up', () => {
    const watch = begin();
    expect(watch.turnIn(NOW)).toBe(0);
    expect(watch.beginTurn(NOW)).toEqual({
      connector: 'docs',
      source: { kind: 'connector', id: 'docs' },
      turnMs: 600_000,
    });
    const cursor = { name: '_watch/docs/x.json', hash: 'h' };
    watch.endTurn({ cursor, counts: { events: 2, ignored: 1, unreadable: 0 }, answeredAt: 'then' }, NOW);
    expect(watch.beginTurn(NOW).cursor).toEqual(cursor);
    watch.lostTurn('worker_lost', 'gone', { counts: { events: 3, ignored: 0, unreadable: 1 } }, NOW);
    expect(watch.health()).toMatchObject({ state: 'failing', counts: { events: 5, ignored: 1, unreadable: 1 } });
    expect(watch.beginTurn(NOW)).toMatchObject({ cursor, probe: true });
  });

  test('failures in a row come later and later, up to a bound, and never before the source wants them', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.integer({ min: 1, max: 40 }),
        fc.nat({ max: 200_000 }),
        (hold, times, retryAfterMs) => {
          const watch = begin();
          let [now, before] = [NOW, 0];
          for (let at = 0; at < times; at += 1) {
            watch.endTurn({ counts: none, failure: { ...failure, hold, retryAfterMs } }, now);
            const pause = watch.turnIn(now) ?? Number.NaN;
            expect(pause).toBeGreaterThanOrEqual(Math.max(before, Math.min(retryAfterMs, 600_000)));
            expect(pause).toBeLessThanOrEqual(Math.max(hold ? 600_000 : 60_000, retryAfterMs));
            [now, before] = [now + pause, pause];
          }
          expect(watch.health()).toMatchObject({ state: hold ? 'held' : 'failing', trouble: { failures: times } });
          watch.endTurn({ counts: none, answeredAt: 'then' }, now);
          expect(watch.health().state).toBe('watching');
          expect(watch.turnIn(now)).toBe(0);
        },
      ),
      { seed: 3 },
    );
  });

  test('none while paused, none without a source, none after the stop', () => {
    const watch = begin({ reconcile: 600, scan: SCAN });
    watch.pause('ann', undefined, NOW);
    expect([watch.turnIn(NOW), watch.sweepIn(NOW)]).toEqual([undefined, undefined]);
    watch.resume();
    expect([watch.turnIn(NOW), watch.sweepIn(NOW)]).toEqual([0, 600_000]);
    watch.stop('test');
    expect([watch.turnIn(NOW), watch.sweepIn(NOW), watch.subscriptionIn(NOW)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const { pull: _, ...webhook } = ORDER;
    expect(Watch.begin({ ...webhook, webhook: true }, NOW).turnIn(NOW)).toBeUndefined();
  });

  test('a burst of notifications ends a turn once, and none of them is passed over', () => {
    const watch = begin({ pull: 'delta' });
    expect(watch.wake('changed', NOW)).toBe(undefined);
    watch.beginTurn(NOW);
    expect(watch.wake('changed', NOW + 500)).toBe(1_500);
    expect(watch.wake('changed', NOW + 600)).toBe(undefined);
    watch.beginTurn(NOW + 2_000);
    expect(watch.wake('changed', NOW + 4_500)).toBe(0);
    const other = begin();
    other.beginTurn(NOW);
    expect(other.wake('changed', NOW + 2_500)).toBe(undefined);
  });
});

describe('sweeps', () => {
  test('come in their time, and soon when something was missed', () => {
    const watch = begin({ reconcile: 86_400, scan: SCAN });
    expect(watch.sweepIn(NOW)).toBe(86_400_000);
    watch.endTurn({ counts: none, missed: true }, NOW);
    expect(watch.sweepIn(NOW)).toBe(0);
    watch.sweepBegun(NOW, true);
    expect(watch.sweepIn(NOW)).toBe(86_400_000);
    watch.swept({ at: new Date(NOW).toISOString(), outcome: 'swept', found: 7 }, NOW);
    expect(watch.health().sweep).toMatchObject({ found: 7, last: { found: 7 } });
    watch.endTurn({ counts: none, missed: true }, NOW);
    expect(watch.sweepIn(NOW)).toBe(600_000);
    watch.swept({ at: new Date(NOW).toISOString(), outcome: 'skipped' }, NOW);
    expect(watch.sweepIn(NOW)).toBe(3_600_000);
  });

  test('there are none without a scanner, and none when they are switched off', () => {
    expect(begin({ reconcile: 600 }).sweepIn(NOW)).toBeUndefined();
    const watch = begin({ reconcile: 600, scan: SCAN });
    watch.accept({ ...ORDER, scan: SCAN }, NOW);
    expect(watch.sweepIn(NOW)).toBeUndefined();
    watch.accept({ ...ORDER, scan: SCAN, reconcile: 1_200 }, NOW);
    expect(watch.sweepIn(NOW)).toBe(1_200_000);
  });
});

test('a subscription is renewed at half of its life', () => {
  const watch = begin({ pull: 'delta', webhook: true, subscribes: true });
  expect(watch.subscriptionIn(NOW)).toBe(0);
  watch.subscribed({ id: 's', expiresAt: new Date(NOW + 7_200_000).toISOString() }, NOW);
  expect(watch.subscriptionIn(NOW)).toBe(3_600_000);
  watch.wake('reauthorize', NOW);
  expect(watch.subscriptionIn(NOW)).toBe(0);
  watch.subscriptionFailed({ code: 'credentials', detail: 'no', hold: true }, NOW);
  expect(watch.subscriptionIn(NOW)).toBe(30_000);
  expect(watch.health()).toMatchObject({ state: 'held', subscription: { trouble: { code: 'credentials' } } });
});

test('what is said of a subscription while a call about it is under way counts more than its answer', () => {
  const watch = begin({ pull: 'delta', webhook: true, subscribes: true });
  const made = { id: 's', expiresAt: new Date(NOW + 7_200_000).toISOString() };
  expect(watch.careForSubscription()).toBe('keep');
  watch.wake('reauthorize', NOW);
  watch.subscribed(made, NOW);
  expect(watch.careForSubscription()).toBe('reauthorize');
  watch.wake('subscription_removed', NOW);
  watch.subscribed(made, NOW);
  expect(watch.subscriptionIn(NOW)).toBe(0);
  expect(watch.careForSubscription()).toBe('keep');
  watch.subscribed(made, NOW);
  expect(watch.subscriptionIn(NOW)).toBe(3_600_000);
});

test('every change raises the revision, and the same order is none', () => {
  const watch = begin();
  const before = watch.health().revision;
  expect(watch.accept({ ...ORDER }, NOW)).toBe(false);
  expect(watch.health().revision).toBe(before);
  expect(watch.accept({ ...ORDER, site: 'east' }, NOW)).toBe(true);
  expect(watch.health().revision).toBeGreaterThan(before);
});
