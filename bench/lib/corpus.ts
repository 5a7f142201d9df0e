import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';

const PER_FOLDER = 1_000;
const STRETCH = 1_000;

/** A folder of `count` files of `bytes` random bytes each, at most 1,000 to a folder; made once, and used again. */
export async function corpus(home: string, count: number, bytes: number): Promise<string> {
  const folder = path.join(home, `corpus-${count}x${bytes}`);
  const mark = `${folder}.done`;
  if (existsSync(mark) && readFileSync(mark, 'utf8') === String(count)) return folder;
  rmSync(folder, { recursive: true, force: true });
  await writeCorpus(folder, count, bytes);
  writeFileSync(mark, String(count));
  return folder;
}

/** Writes the files of a corpus. @param perFolder at most so many to a folder; Infinity: all in the one */
export async function writeCorpus(folder: string, count: number, bytes: number, perFolder = PER_FOLDER): Promise<void> {
  const noise = randomBytes(bytes + count);
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    // An interruption is heard in between.
    if (i % STRETCH === 0) await setImmediate();
    const name = nameInCorpus(i, perFolder);
    if (i % perFolder === 0) mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), noise.subarray(i, i + bytes));
  }
}

/** The location of a file of a corpus. Their order is the byte order, up to 100,000 folders, or 100 M files in one. */
function nameInCorpus(i: number, perFolder: number): string {
  if (!Number.isFinite(perFolder)) return `f${String(i).padStart(8, '0')}.bin`;
  return `d${String(Math.floor(i / perFolder)).padStart(5, '0')}/f${String(i % perFolder).padStart(4, '0')}.bin`;
}

/** The number of the file that has this location; NaN when none has. */
export function numberInCorpus(location: string, perFolder = PER_FOLDER): number {
  const match = /^(?:d(\d{5})\/)?f(\d+)\.bin$/.exec(location);
  if (match === null) return Number.NaN;
  const folder = match[1] === undefined ? 0 : Number(match[1]) * perFolder;
  return folder + Number(match[2]);
}
