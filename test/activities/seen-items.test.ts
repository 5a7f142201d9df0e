import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeenItems, SeenItems } from '../../activities/seen-items.ts';
import type { Item } from '../../domain/item.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import type { ObjectRef } from '../../ledger/types.ts';

const seed = 20_261_123;
const named = (location: string, version?: string): Item => ({ location, ...(version !== undefined && { version }) });

describe('items that were seen', () => {
  it('are those that were added, by location and version, however many', () => {
    const some = fc.tuple(fc.string(), fc.constantFrom('1', '2', '3'));
    fc.assert(
      fc.property(fc.array(some, { maxLength: 4_500, size: 'max' }), fc.array(some), (added, asked) => {
        const seen = new SeenItems();
        for (const [location, version] of added) seen.add(named(location, version));
        const known = new Set(added.map(([location, version]) => JSON.stringify([location, version])));
        for (const [location, version] of [...added, ...asked]) {
          expect(seen.has(named(location, version))).toBe(known.has(JSON.stringify([location, version])));
        }
      }),
      { seed, numRuns: 6 },
    );
  });

  it('are known by size and time without a version, and differ when their bytes do', () => {
    const seen = new SeenItems();
    const modified = '2026-01-01T00:00:00Z';
    seen.add({ location: 'a', size: 1, modified });
    expect(seen.has({ location: 'a', size: 1, modified })).toBe(true);
    expect(seen.has({ location: 'a', size: 2, modified })).toBe(false);
    expect(seen.has({ location: 'a', size: 1, modified: '2026-01-01T00:00:01Z' })).toBe(false);
    seen.add({ location: '\uFFFD', locationBytes: '/w==', version: '1' });
    expect(seen.has({ location: '\uFFFD', locationBytes: '/g==', version: '1' })).toBe(false);
    expect(seen.has({ location: '\uFFFD', locationBytes: '/w==', version: '1' })).toBe(true);
  });
});

describe('what the turns of a listing gave', () => {
  /** Turns by name, each with one page of one item, named like it. */
  function ledgerOf(...turns: readonly (readonly [name: string, after: string | undefined])[]) {
    const reads: string[] = [];
    const after = new Map(turns);
    const ledger = {
      id: 'job',
      readIndex: async ({ name }: ObjectRef) => {
        const before = after.get(name);
        return { pages: [{ object: ref(name) }], ...(before !== undefined && { after: ref(before) }) };
      },
      readPage: async ({ name }: ObjectRef) => {
        reads.push(name);
        return [named(name, '1')];
      },
    } as unknown as JobLedger;
    return { ledger, reads };
  }
  const ref = (name: string): ObjectRef => ({ name, hash: name });
  const CHAIN = [
    ['a', undefined],
    ['b', 'a'],
    ['c', 'b'],
    ['c2', 'b'],
  ] as const;

  it('is read along the turns that count, and only what is new of it', async () => {
    const { ledger, reads } = ledgerOf(...CHAIN);
    const seenUpTo = createSeenItems();
    expect((await seenUpTo(ledger, undefined)).has(named('a', '1'))).toBe(false);
    expect((await seenUpTo(ledger, ref('b'))).has(named('a', '1'))).toBe(true);
    await seenUpTo(ledger, ref('c'));
    expect(reads).toEqual(['a', 'b', 'c']);
  });

  it('does not hold what belongs to a turn whose place another one took', async () => {
    const { ledger } = ledgerOf(...CHAIN);
    const seenUpTo = createSeenItems();
    await seenUpTo(ledger, ref('c'));
    const seen = await seenUpTo(ledger, ref('c2'));
    expect(['a', 'b', 'c', 'c2'].map((name) => seen.has(named(name, '1')))).toEqual([true, true, false, true]);
    expect((await seenUpTo(ledger, ref('b'))).has(named('c2', '1'))).toBe(false);
  });
});
