import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { StorageEvent } from '../../domain/event.ts';
import { createIntake, type IntakeDeps } from '../../intake/gatherer.ts';
import type { Intake } from '../../intake/intake.ts';
import { createMarks } from '../../intake/marks.ts';
import { type Ledger, openLedgerStore } from '../../ledger/ledger.ts';
import type { EventsSignal } from '../../workflows/messages.ts';
import { createMemoryStore } from '../ledger/memory-store.ts';

const SETTINGS = { filter: '', action: 'nothing', dryRun: false, scanner: 'dsxa' } as const;
const open: Intake[] = [];
let made = 0;

function event(location: string, facts: Partial<StorageEvent> = {}): StorageEvent {
  return { id: `e${++made}`, location, at: '2026-01-01T00:00:00Z', ...facts };
}

async function stage(deps: Partial<IntakeDeps> = {}, shards = 1) {
  const ledger = await openLedgerStore(createMemoryStore());
  const signals: EventsSignal[] = [];
  const intake = createIntake({
    ledger: async () => ledger,
    handOver: async (signal) => void signals.push(signal),
    target: (id) => ({ source: { kind: 'connector', id }, settings: SETTINGS, shards }),
    backlog: async () => undefined,
    ...deps,
  });
  open.push(intake);
  return { ledger, intake, signals };
}

/** The locations on the pages that were handed over, as the ledger has them. */
async function written(ledger: Ledger, signals: readonly EventsSignal[]): Promise<string[]> {
  const found: string[] = [];
  for (const { start, ref, marks } of signals) {
    const lines = await ledger.intake.read({ source: start.source.id, shard: start.shard }, ref);
    expect(lines.map(({ mark }) => mark)).toEqual(marks);
    found.push(...lines.map((line) => line.event.location));
  }
  return found;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((intake) => intake.close()));
});

describe('the gatherer', () => {
  it('writes events of several calls on one page, and answers when its workflow has it', async () => {
    const { ledger, intake, signals } = await stage();
    await Promise.all(['a', 'b', 'c'].map((location) => intake.add('one', [event(location)])));
    expect(signals).toHaveLength(1);
    expect(await written(ledger, signals)).toEqual(['a', 'b', 'c']);
  });

  it('numbers the pages of a writer and shard without gaps, at most 200 events each', async () => {
    const { ledger, intake, signals } = await stage();
    const locations = Array.from({ length: 1_000 }, (_, i) => `${i}`);
    await intake.add(
      'one',
      locations.map((location) => event(location)),
    );
    expect(signals.map(({ ref }) => ref.n).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(await written(ledger, signals))).toEqual(new Set(locations));
  });

  it('sends all events of one place to one shard', async () => {
    const { intake, signals } = await stage({}, 4);
    const all = Array.from({ length: 400 }, (_, i) => event(`place-${i % 40}`));
    await intake.add('one', all);
    const shardOf = new Map<string, number>();
    for (const { start, marks } of signals) {
      for (const [, place] of marks) {
        expect(shardOf.get(place) ?? start.shard).toBe(start.shard);
        shardOf.set(place, start.shard);
      }
    }
    expect(shardOf.size).toBe(40);
    expect(new Set(shardOf.values()).size).toBe(4);
  });

  it('takes nothing while the workflow can not be reached, and says when to come again', async () => {
    const { intake } = await stage({ handOver: () => Promise.reject(new Error('no server')) });
    await expect(intake.add('one', [event('a')])).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 2_000 });
  });

  it('takes nothing above its bounds', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { intake } = await stage({ handOver: () => held, mostWaiting: 3 });
    const first = intake.add('one', [event('a'), event('b')]);
    await expect(intake.add('one', [event('c'), event('d')])).rejects.toMatchObject({ code: 'over_capacity' });
    release();
    await first;
    await intake.add('one', [event('c'), event('d')]);

    const behind = await stage({ backlog: async () => 11, mostBacklog: 10 });
    await expect(behind.intake.add('one', [event('a')])).rejects.toMatchObject({ code: 'over_capacity' });
    expect(behind.signals).toEqual([]);
  });

  it('hands over what waits when it is closed, and then takes no more', async () => {
    const { ledger, intake, signals } = await stage();
    const added = intake.add('one', [event('a')]);
    await Promise.resolve();
    await intake.close();
    await expect(intake.add('one', [event('b')])).rejects.toMatchObject({ code: 'unavailable' });
    await added;
    expect(await written(ledger, signals)).toEqual(['a']);
  });
});

describe('marks', () => {
  it('are equal for a repeat, and unlike for another place, version or order', () => {
    const mark = createMarks('a key');
    const facts = fc.record(
      {
        location: fc.string({ minLength: 1 }),
        version: fc.string(),
        order: fc.string({ maxLength: 40 }),
      },
      { requiredKeys: ['location'] },
    );
    const keyOf = (of: { location: string; version?: string; order?: string }) =>
      mark('s', { id: 'i', at: '', ...of }).mark;
    fc.assert(
      fc.property(facts, facts, (a, b) => {
        const same = a.location === b.location && a.version === b.version && a.order === b.order;
        const plain = (one: typeof a) => one.version === undefined && one.order === undefined;
        if (!(plain(a) && plain(b))) expect(keyOf(a)[0] === keyOf(b)[0]).toBe(same);
        expect(keyOf(a)[1] === keyOf(b)[1]).toBe(a.location === b.location);
      }),
      { seed: 5 },
    );
    expect(mark('s', event('a')).mark[1]).not.toBe(createMarks('another')('s', event('a')).mark[1]);
    expect(mark('s', event('a', { order: 'x'.repeat(41) })).mark).toHaveLength(2);
  });
});
