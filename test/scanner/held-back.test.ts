import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { calm, chunks, failureOf, pair, pattern } from './support.ts';

/** A body of four pieces that its caller holds back for so long before each. */
function heldBody(ms: number, told = true) {
  let held = 0;
  let from: number | undefined;
  async function* body(): AsyncGenerator<Uint8Array> {
    for await (const chunk of pattern(4 * 65_536)) {
      from = performance.now();
      await pause(ms);
      held += performance.now() - from;
      from = undefined;
      yield chunk;
    }
  }
  const heldMs = () => (told ? held + (from === undefined ? 0 : performance.now() - from) : 0);
  return { size: 4 * 65_536, body: body(), heldMs };
}

it('a body that is held back on purpose is no silence', async () => {
  const { scanner } = await pair({}, { noProgressMs: 80 });
  expect(await scanner.scan(heldBody(300), calm)).toMatchObject({ outcome: 'clean', bytes: 4 * 65_536 });
  expect((await failureOf(scanner.scan(heldBody(300, false), calm))).code).toBe('scan_timeout');
});

it('silence after a hold still counts', async () => {
  const { scanner } = await pair({ faults: ['hang'] }, { noProgressMs: 5_000, headersTimeoutMs: 150 });
  expect((await failureOf(scanner.scan(heldBody(50), calm))).code).toBe('scan_timeout');
});

it('nothing is sent once the time to begin is over; what is on its way goes on', async () => {
  const { scanner, standin } = await pair({ latencyMs: 200 }, { maxConcurrency: 1 });
  const over = new AbortController();
  const text = () => ({ size: 5, body: chunks('text!'), notAfter: over.signal });
  const first = scanner.scan(text(), calm);
  const second = scanner.scan(text(), calm);
  second.catch(() => undefined);
  await pause(50);
  over.abort(new Error('over'));
  expect(await first).toMatchObject({ outcome: 'clean' });
  await expect(second).rejects.toThrow('over');
  await expect(scanner.scan(text(), calm)).rejects.toThrow('over');
  expect(standin.stats().scans).toBe(1);
  // The slots are free again.
  expect(await scanner.scan({ size: 5, body: chunks('after') }, calm)).toMatchObject({ outcome: 'clean' });
});
