import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SCANNER_CODES, type ScannerCode } from '../../scanner/errors.ts';
import { encodeMetadata, METADATA_LIMIT } from '../../scanner/headers.ts';
import { readRetryAfter, retryDelayMs } from '../../scanner/retry.ts';

const codes = fc.constantFrom(...(Object.keys(SCANNER_CODES) as ScannerCode[]));

describe('retryDelayMs', () => {
  it('doubles from 1 s to 60 s', () => {
    const ceilings = Array.from({ length: 8 }, (_, i) =>
      retryDelayMs('scanner_busy', i + 1, undefined, () => 0.999_999),
    );
    expect(ceilings).toEqual([999, 1999, 3999, 7999, 15999, 31999, 59999, 59999]);
  });

  it('has full jitter, takes Retry-After as it is, and is never above 60 s', () => {
    fc.assert(
      fc.property(
        codes,
        fc.integer({ min: -5, max: 10_000 }),
        fc.option(fc.nat(), { nil: undefined }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (code, attempt, after, random) => {
          const delay = retryDelayMs(code, attempt, after, () => random);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(60_000);
          if (after !== undefined) expect(delay).toBe(Math.min(after, 60_000));
        },
      ),
    );
    expect(retryDelayMs('scanner_busy', 5, undefined, () => 0)).toBe(0);
  });
});

describe('readRetryAfter', () => {
  const now = Date.parse('2030-01-01T00:00:00Z');

  it.each([
    ['2', 2_000],
    [' 0 ', 0],
    ['99999999999999999999', 60_000],
    ['Tue, 01 Jan 2030 00:00:05 GMT', 5_000],
    ['Mon, 31 Dec 2029 23:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j is %s ms', (value, expected) => {
    const read = readRetryAfter(value, now);
    // A negative number may be read as a date of long ago: no wait either way.
    if (value === '-5') expect(read ?? 0).toBe(0);
    else expect(read).toBe(expected);
  });
});

describe('encodeMetadata', () => {
  it('is printable ASCII under the limit, and reads back', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', maxLength: 300 })),
        (facts) => {
          const header = encodeMetadata(facts);
          expect(header).toMatch(/^[\x21-\x7e]*$/);
          expect(header.length).toBeLessThanOrEqual(METADATA_LIMIT);
          for (const pair of header === '' ? [] : header.split(',')) {
            const [key, value] = pair.split(':').map(decodeURIComponent) as [string, string];
            expect(Object.entries(facts).some(([k, v]) => k.toWellFormed() === key && v.toWellFormed() === value)).toBe(
              true,
            );
          }
        },
      ),
    );
  });
});
