import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SentItem } from '../events/signed-sender.ts';

export interface Files {
  readonly locations: readonly string[];
  /** SHA-256 of the content, by location. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** Files of different contents, in place before anything is told of them. */
export function filesIn(folder: string, name: string, count: number, bytes: number): Files {
  const hashes = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    const location = `${name}-${String(i).padStart(6, '0')}.txt`;
    const content = location.padEnd(bytes, ' ');
    writeFileSync(path.join(folder, location), content);
    hashes.set(location, createHash('sha256').update(content).digest('hex'));
  }
  return { locations: [...hashes.keys()], hashes };
}

/** One delivery for each `size` events. With `ordered` each event names its order, by which a repeat is known. */
export function deliveriesOf(locations: readonly string[], size: number, ordered: boolean): SentItem[][] {
  const all = locations.map((location, i) => ({ location, ...(ordered && { order: String(i).padStart(12, '0') }) }));
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** Every `nth` delivery comes once more, 5 places later; every 7th changes places with the third behind it. */
export function withRepeats(deliveries: readonly SentItem[][], nth: number): SentItem[][] {
  const sent = [...deliveries];
  for (let i = 0; i + 3 < sent.length; i += 7) {
    const [one, other] = [sent[i], sent[i + 3]];
    if (one !== undefined && other !== undefined) [sent[i], sent[i + 3]] = [other, one];
  }
  return sent.flatMap((items, i) => {
    const repeat = i >= 5 && i % nth === 5 ? sent[i - 5] : undefined;
    return repeat === undefined ? [items] : [items, repeat];
  });
}
