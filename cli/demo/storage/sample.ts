import { isUtf8 } from 'node:buffer';
import { DEMO_MAX_SIZE } from '../corpus.ts';
import { type Expected, sampleFiles } from '../files.ts';
import { sha256 } from '../snapshot.ts';
import type { Contents, DemoStorage } from './storage.ts';

/** What was put into a storage, and what a scan with the action `move` must come to. */
export interface Sample {
  readonly contents: Contents;
  readonly expected: ReadonlyMap<string, Expected>;
  /** SHA-256 of what must be moved, by location. */
  readonly moved: Contents;
}

/** Objects are put so many at once. */
const AT_ONCE = 8;

/** Puts the demo's sample into a storage, but for names that are not UTF-8, which no such storage has, and those it can't hold. */
export async function putSample(storage: DemoStorage): Promise<Sample> {
  const contents = new Map<string, string>();
  const expected = new Map<string, Expected>();
  const moved = new Map<string, string>();
  const waiting: { location: string; bytes: Buffer }[] = [];
  for (const { path, data, size, expected: outcome } of sampleFiles(DEMO_MAX_SIZE)) {
    const location = path.toString('utf8');
    if (!isUtf8(path) || !storage.holds(location)) continue;
    const bytes = size === undefined ? data : Buffer.concat([data, Buffer.alloc(size - data.length)]);
    const hash = sha256(bytes);
    contents.set(location, hash);
    expected.set(location, outcome);
    if (outcome === 'malicious') moved.set(location, hash);
    waiting.push({ location, bytes });
  }
  const runners = Array.from({ length: AT_ONCE }, async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
      await storage.put(next.location, next.bytes);
  });
  await Promise.all(runners);
  return { contents, expected, moved };
}
