import { describe, expect, it } from 'vitest';
import { ScannerError } from '../../scanner/errors.ts';
import { EICAR } from '../../scanner/standin/eicar.ts';
import { calm, chunks, pair, pattern } from './support.ts';

const FAULTS = [
  '500 every=7',
  'html every=11',
  'reset every=13',
  'reset-mid-body every=17',
  'wrong-hash every=19',
  'truncated-json every=23',
  'unknown-verdict every=29',
  'close-idle every=31',
  'reset-after-headers every=37',
  'null-details every=5',
  '403 every=41',
];

describe('a scanner that often fails', () => {
  it('never has a bad item called clean, and every item comes to an end', async () => {
    const { scanner, standin } = await pair({ faults: FAULTS, latencyMs: 1, workers: 8 }, { noProgressMs: 5_000 });
    const seen = new Map<string, number>();
    let next = 0;
    await Promise.all(
      Array.from({ length: 24 }, async () => {
        for (let n = next++; n < 600; n = next++) {
          const kind = n % 3;
          const size = kind === 0 ? EICAR.length : kind === 1 ? 4_096 : 200_000;
          const body = kind === 0 ? chunks(EICAR) : pattern(size);
          const ended = await scanner.scan({ size, body }, calm).then(
            (j) => j.outcome,
            (error: unknown) => (error instanceof ScannerError ? error.code : 'stray error'),
          );
          const key = `${kind === 0 ? 'bad' : 'good'} ${ended}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
          await scanner.untilOpen(calm);
        }
      }),
    );
    expect(seen.has('bad clean')).toBe(false);
    expect(seen.has('good malicious')).toBe(false);
    expect([...seen.keys()].filter((k) => k.endsWith('stray error'))).toEqual([]);
    expect([...seen.values()].reduce((a, b) => a + b, 0)).toBe(600);
    expect(seen.get('bad malicious')).toBeGreaterThan(50);
    expect(seen.get('good clean')).toBeGreaterThan(100);
    expect(scanner.state()).toMatchObject({ inFlight: 0, bytesInFlight: 0, waiting: 0 });
    await scanner.close();
    expect(standin.stats().inFlight).toBeLessThanOrEqual(1);
  });
});
