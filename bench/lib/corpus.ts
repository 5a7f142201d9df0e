import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const PER_FOLDER = 1_000;

/** A folder of `count` files of `bytes` random bytes each, at most 1,000 to a folder; made once, and used again. */
export function corpus(home: string, count: number, bytes: number): string {
  const folder = path.join(home, `corpus-${count}x${bytes}`);
  const mark = `${folder}.done`;
  if (existsSync(mark) && readFileSync(mark, 'utf8') === String(count)) return folder;
  rmSync(folder, { recursive: true, force: true });
  const noise = randomBytes(bytes + count);
  for (let i = 0; i < count; i++) {
    const sub = path.join(folder, `d${String(Math.floor(i / PER_FOLDER)).padStart(5, '0')}`);
    if (i % PER_FOLDER === 0) mkdirSync(sub, { recursive: true });
    writeFileSync(path.join(sub, `f${String(i % PER_FOLDER).padStart(4, '0')}.bin`), noise.subarray(i, i + bytes));
  }
  writeFileSync(mark, String(count));
  return folder;
}
