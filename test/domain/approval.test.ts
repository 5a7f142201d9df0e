import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listHash, parseSpans, spansText, tidySpans, type Waiting } from '../../domain/approval.ts';
import { sha256Hex } from '../../domain/sha256.ts';

const since = '2026-11-23T00:00:00.000Z';
const waiting = (first: number, from: number, to: number, job = 'job-1', hash = 'h'): Waiting => ({
  first,
  job,
  intents: { name: `intents/${hash}`, hash },
  from,
  to,
  since,
});

describe('sha256Hex', () => {
  it('is SHA-256 of the UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 50, maxLength: 70 })), (text) => {
        expect(sha256Hex(text)).toBe(createHash('sha256').update(Buffer.from(text, 'utf8')).digest('hex'));
      }),
    );
    const long = 'x'.repeat(1_000_000);
    expect(sha256Hex(long)).toBe(createHash('sha256').update(long).digest('hex'));
  });
});

describe('listHash', () => {
  const list = [waiting(1, 3, 25), waiting(23, 0, 10, 'job-1', 'other')];

  it('stays as it is when more comes behind', () => {
    const longer = [...list, waiting(33, 0, 5, 'job-2')];
    const grown = [waiting(1, 3, 25), waiting(23, 0, 20, 'job-1', 'other')];
    for (const through of [1, 5, 22, 23, 32]) {
      expect(listHash(longer, through)).toBe(listHash(list, through));
      expect(listHash(grown, through)).toBe(listHash(list, through));
    }
  });

  it('does not depend on how the stretches are cut', () => {
    const cut = [waiting(1, 3, 10), waiting(8, 10, 25), waiting(23, 0, 10, 'job-1', 'other')];
    for (const through of [3, 7, 8, 30]) expect(listHash(cut, through)).toBe(listHash(list, through));
  });

  it('changes when one of the findings is gone, or is another one', () => {
    const known = listHash(list, 30);
    expect(listHash([waiting(2, 4, 25), list[1] as Waiting], 30)).not.toBe(known);
    expect(listHash([waiting(1, 3, 10), waiting(9, 11, 25), list[1] as Waiting], 30)).not.toBe(known);
    expect(listHash([waiting(1, 3, 25, 'job-9'), list[1] as Waiting], 30)).not.toBe(known);
    expect(listHash([waiting(1, 3, 25, 'job-1', 'bent'), list[1] as Waiting], 30)).not.toBe(known);
    expect(listHash(list, 29)).not.toBe(known);
  });
});

describe('spans', () => {
  it('are read as people write them, and nothing else is', () => {
    expect(parseSpans('1,2, 5-7')).toEqual([
      [1, 1],
      [2, 2],
      [5, 7],
    ]);
    for (const text of ['', '0', '-1', '7-5', '1,,2', 'a', '1-2-3', '1.5', '１'])
      expect(parseSpans(text)).toBeUndefined();
  });

  it('tidied, hold the same numbers', () => {
    const span = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 9 }));
    fc.assert(
      fc.property(fc.array(span, { minLength: 1 }), (made) => {
        const spans = made.map(([first, more]) => [first, first + more] as const);
        const numbers = (all: readonly (readonly [number, number])[]) =>
          [...new Set(all.flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i)))].sort(
            (a, b) => a - b,
          );
        const tidy = tidySpans(spans);
        expect(numbers(tidy)).toEqual(numbers(spans));
        for (const [i, [first]] of tidy.entries())
          if (i > 0) expect(first).toBeGreaterThan((tidy[i - 1]?.[1] ?? 0) + 1);
        expect(parseSpans(spansText(tidy))).toEqual(tidy);
      }),
    );
  });
});
