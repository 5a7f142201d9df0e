import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Scanner } from '../../scanner/scanner.ts';
import { calm, chunks, failureOf, pair, pattern, patternHash, scannerAt } from './support.ts';

const MIB = 2 ** 20;

/** A source whose own error must come out as itself. */
class SourceError extends Error {}

async function* failing(after: number, error: Error): AsyncGenerator<Uint8Array> {
  yield* pattern(after);
  throw error;
}

/** A source that gives its bytes, then hangs until the test ends. */
async function* hanging(after: number): AsyncGenerator<Uint8Array> {
  yield* pattern(after);
  await new Promise<void>((resolve) => onTestFinished(() => resolve()));
}

function stream(scanner: Scanner, size: number | undefined, body: AsyncIterable<Uint8Array>, signal = calm) {
  return scanner.scan({ size, body }, signal);
}

describe('a large body', () => {
  it('of 200 MiB goes through with bounded memory, hashed on the way', async () => {
    const { scanner, standin } = await pair();
    const size = 200 * MIB;
    let most = 0;
    const before = process.memoryUsage();
    const held = before.arrayBuffers + before.heapUsed;
    async function* watched(): AsyncGenerator<Uint8Array> {
      for await (const chunk of pattern(size)) {
        const { arrayBuffers, heapUsed } = process.memoryUsage();
        most = Math.max(most, arrayBuffers + heapUsed - held);
        yield chunk;
      }
    }
    const judgement = await stream(scanner, size, watched());
    expect(judgement).toMatchObject({ outcome: 'clean', bytes: size, sha256: patternHash(size) });
    expect(standin.requests()).toMatchObject([{ bytes: size, sha256: patternHash(size) }]);
    expect(most).toBeLessThan(100 * MIB);
  });

  it.each([65_536, 65_537, 3 * MIB, 3 * MIB + 1])('of %i bytes arrives as it was, with its length', async (size) => {
    const { scanner, standin } = await pair();
    expect(await stream(scanner, size, pattern(size))).toMatchObject({
      outcome: 'clean',
      bytes: size,
      sha256: patternHash(size),
    });
    expect(standin.requests()[0]).not.toHaveProperty('chunked');
  });

  it.each([10, 65_536, 3 * MIB])('of unknown size (%i bytes) goes chunked', async (size) => {
    const { scanner, standin } = await pair();
    expect(await stream(scanner, undefined, pattern(size))).toMatchObject({
      outcome: 'clean',
      bytes: size,
      sha256: patternHash(size),
    });
    expect(standin.requests()).toMatchObject([{ chunked: true, bytes: size }]);
  });

  it('waits for a scanner that reads slowly', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.pause();
    });
    const scanner = await at(server);
    let given = 0;
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const chunk of pattern(200 * MIB)) {
        given += chunk.length;
        yield chunk;
      }
    }
    const stop = new AbortController();
    const scan = stream(scanner, 200 * MIB, counted(), stop.signal);
    const before = given;
    await until(() => given > before);
    let last = -1;
    await until(() => {
      const still = given === last;
      last = given;
      return still;
    }, 100);
    expect(given).toBeLessThan(64 * MIB);
    stop.abort(new Error('enough'));
    await expect(scan).rejects.toThrow('enough');
  });
});

describe('chunks of any length', () => {
  it('arrive as they were, though their buffer is used again at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 30 }),
        fc.boolean(),
        async (lengths, known) => {
          const { standin, scanner } = shared;
          const size = lengths.reduce((a, b) => a + b, 0);
          const expected = createHash('sha256');
          async function* body(): AsyncGenerator<Uint8Array> {
            const buffer = Buffer.alloc(300_000);
            for (const [i, length] of lengths.entries()) {
              for (let at = 0; at < length; at += 4)
                buffer.writeInt32LE(Math.imul(at + i, 0x9e3779b1) | 0, Math.min(at, 299_996));
              expected.update(buffer.subarray(0, length));
              yield buffer.subarray(0, length);
              buffer.fill(0xee);
            }
          }
          const judgement = await stream(scanner, known ? size : undefined, body());
          expect(judgement).toMatchObject({ outcome: 'clean', bytes: size, sha256: expected.digest('hex') });
          expect(standin.requests().at(-1)).toMatchObject({ bytes: size, sha256: judgement.sha256 });
        },
      ),
      { numRuns: 40 },
    );
  });

  let shared: Awaited<ReturnType<typeof pair>>;
  beforeEach(async () => {
    shared = await pair();
  });
});

describe('a body that is not what was promised', () => {
  it.each([
    [10, 9],
    [10, 0],
    [65_536, 65_535],
    [3 * MIB, 3 * MIB - 1],
    [3 * MIB, 65_536],
    [3 * MIB, 0],
    [10, 11],
    [0, 1],
    [65_536, 65_537],
    [3 * MIB, 3 * MIB + 1],
    [3 * MIB, 4 * MIB],
  ])('promised %i, given %i: no verdict', async (promised, given) => {
    const { scanner, standin } = await pair();
    const failure = await failureOf(stream(scanner, promised, pattern(given)));
    expect(failure.code).toBe('short_read');
    await idle(scanner);
    expect(standin.requests().filter((r) => r.status !== 0)).toEqual([]);
    expect(scanner.state().gate).toBeUndefined();
  });

  it('a last chunk that comes on its own goes out only when the source has ended', async () => {
    const { scanner, standin } = await pair();
    const failure = await failureOf(stream(scanner, MIB, twoParts(MIB)));
    expect(failure.code).toBe('short_read');
    expect(standin.requests().filter((r) => r.status !== 0)).toEqual([]);
  });

  async function* twoParts(size: number): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(size - 1);
    yield Buffer.alloc(1);
    yield Buffer.alloc(1);
  }

  it.each([0, 10, 65_536, MIB])('an error of the source after %i bytes comes out as it is', async (after) => {
    const { scanner } = await pair();
    for (const size of [undefined, 2 * MIB, Math.max(after, 1)]) {
      const error = new SourceError('no more');
      await expect(stream(scanner, size, failing(after, error))).rejects.toBe(error);
    }
    expect(scanner.state()).toMatchObject({ inFlight: 0, limit: 8 });
    expect(scanner.state().gate).toBeUndefined();
  });
});

describe('the size limit', () => {
  it('is kept without sending when the size is known', async () => {
    const { scanner, standin } = await pair({}, { maxBytes: 100 });
    expect(scanner.maxBytes).toBe(100);
    expect(await stream(scanner, 101, pattern(101))).toMatchObject({
      outcome: 'unscannable',
      reason: 'file_too_large',
      partial: true,
    });
    expect((await stream(scanner, 100, pattern(100))).outcome).toBe('clean');
    expect(standin.requests()).toHaveLength(1);
  });

  it('holds when there is no length', async () => {
    const { scanner, standin } = await pair({}, { maxBytes: MIB });
    const judgement = await stream(scanner, undefined, pattern(2 * MIB));
    expect(judgement).toMatchObject({ outcome: 'unscannable', reason: 'file_too_large', partial: true, bytes: MIB });
    expect(standin.requests().filter((r) => r.status === 200)).toEqual([]);
    expect(scanner.state()).toMatchObject({ inFlight: 0 });
  });

  it("is the scanner's too: an early 413 ends the upload", async () => {
    const { scanner } = await pair({ maxBytes: MIB });
    const judgement = await stream(scanner, 50 * MIB, pattern(50 * MIB));
    expect(judgement).toMatchObject({ outcome: 'unscannable', reason: 'file_too_large', partial: true });
    const chunked = await stream(scanner, undefined, pattern(50 * MIB));
    expect(chunked).toMatchObject({ outcome: 'unscannable', reason: 'file_too_large', partial: true });
  });
});

describe('an early answer', () => {
  it('of 401 is heard', async () => {
    const { scanner } = await pair({ token: 'right' }, { token: 'wrong' });
    expect((await failureOf(stream(scanner, 50 * MIB, pattern(50 * MIB)))).code).toBe('scanner_auth');
  });

  it.each(['verdict is=Benign early=1', 'verdict is=Malicious early=1'])(
    'with a verdict is none: %s',
    async (fault) => {
      const { scanner } = await pair({ faults: [fault] });
      const failure = await failureOf(stream(scanner, 20 * MIB, pattern(20 * MIB)));
      expect(['scanner_protocol', 'scanner_dropped']).toContain(failure.code);
    },
  );
});

describe('time', () => {
  it('a scanner that never answers', async () => {
    const { scanner, standin } = await pair({ faults: ['hang'] }, { headersTimeoutMs: 60 });
    expect((await failureOf(stream(scanner, 5, chunks('hello')))).code).toBe('scan_timeout');
    await until(() => standin.stats().open === 0);
  });

  it('a scanner that stops reading', async () => {
    const { scanner } = await pair({ faults: ['stop-reading'] }, { noProgressMs: 60 });
    const failure = await failureOf(stream(scanner, 200 * MIB, pattern(200 * MIB)));
    expect([failure.code, failure.message]).toEqual([
      'scan_timeout',
      expect.stringContaining('the scanner took no byte'),
    ]);
    expect(scanner.state().limit).toBe(4);
  });

  it('a scanner whose answer stops half-way', async () => {
    const { scanner } = await pair({ faults: ['drip ms=60000'] }, { noProgressMs: 40 });
    expect((await failureOf(stream(scanner, 5, chunks('hello')))).code).toBe('scan_timeout');
  });

  it('a slow answer is fine as long as bytes come', async () => {
    const { scanner } = await pair({ faults: ['drip ms=300'] }, { noProgressMs: 250, headersTimeoutMs: 2_000 });
    expect((await stream(scanner, 5, chunks('hello'))).outcome).toBe('clean');
  });

  it.each([0, 10, MIB])('a source that hangs after %i bytes, for which the scanner is not blamed', async (after) => {
    const { scanner, standin } = await pair({}, { noProgressMs: 60 });
    for (const size of [2 * MIB, 20]) {
      if (after > size) continue;
      const failure = await failureOf(stream(scanner, size, hanging(after)));
      expect([failure.code, failure.message]).toEqual([
        'scan_timeout',
        expect.stringContaining('the storage gave no byte'),
      ]);
    }
    expect(scanner.state()).toMatchObject({ limit: 8, inFlight: 0 });
    await until(() => standin.stats().open === 0);
  });
});

describe('an aborted scan', () => {
  it.each([
    ['while the scanner thinks', 5, 'hang'],
    ['during the upload', 20 * MIB, 'ok'],
  ])('%s frees its connection and its slot', async (_, size, fault) => {
    const { scanner, standin } = await pair({ faults: [fault] });
    const stop = new AbortController();
    const body = fault === 'ok' ? hanging(size / 2) : pattern(size);
    const scan = stream(scanner, size, body, stop.signal);
    await until(() => standin.stats().inFlight === 1);
    const why = new Error('paused');
    stop.abort(why);
    await expect(scan).rejects.toBe(why);
    expect(scanner.state()).toMatchObject({ inFlight: 0, bytesInFlight: 0, limit: 8 });
    await until(() => standin.stats().open === 0);
  });

  it('before it began costs nothing', async () => {
    const { scanner, standin } = await pair();
    await expect(stream(scanner, 5, chunks('hello'), AbortSignal.abort(new Error('no')))).rejects.toThrow('no');
    expect(standin.stats().connections).toBe(0);
  });

  it('while it waits for its turn', async () => {
    const { scanner } = await pair({ faults: ['hang times=*'] }, { maxConcurrency: 1 });
    const first = new AbortController();
    const second = new AbortController();
    const a = stream(scanner, 5, chunks('hello'), first.signal);
    const b = stream(scanner, 5, chunks('hello'), second.signal);
    expect(scanner.state().waiting).toBe(1);
    second.abort(new Error('b'));
    await expect(b).rejects.toThrow('b');
    first.abort(new Error('a'));
    await expect(a).rejects.toThrow('a');
  });

  it('closing the scanner ends what is under way', async () => {
    const { scanner, standin } = await pair({ faults: ['hang'] }, { maxConcurrency: 1 });
    const a = failureOf(stream(scanner, 5, chunks('hello')));
    const b = failureOf(stream(scanner, 5, chunks('hello')));
    await until(() => standin.stats().inFlight === 1);
    await scanner.close();
    expect((await a).code).toBe('scanner_dropped');
    expect((await b).code).toBe('scanner_unreachable');
    expect((await failureOf(stream(scanner, 5, chunks('hello')))).code).toBe('scanner_unreachable');
  });
});

/** Asks again every few milliseconds until it is so; the test's own limit ends it if it never is. */
async function until(so: () => boolean, everyMs = 5): Promise<void> {
  while (!so()) await new Promise((resolve) => setTimeout(resolve, everyMs));
}

function idle(scanner: Scanner): Promise<void> {
  return until(() => scanner.state().inFlight === 0);
}

async function at(server: Server): Promise<Scanner> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return scannerAt(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
}
