import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

const ROTATE_AT_BYTES = 10 * 1024 * 1024;
const KEEP = 3;
const TAIL_BYTES = 8 * 1024;
const LONGEST_LINE = 400;

/** Puts a log that has grown large aside as `….log.1`, an older one as `….log.2`, and so on; makes its folder. */
export function rotate(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  if (sizeOf(file) < ROTATE_AT_BYTES) return;
  for (let age = KEEP; age >= 1; age--) {
    const older = age === 1 ? file : `${file}.${age - 1}`;
    if (sizeOf(older) > 0) renameSync(older, `${file}.${age}`);
  }
}

export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The last line of a log behind byte `from`, as a person would quote it; undefined where there is none. */
export function lastLine(file: string, from: number): string | undefined {
  const lines = tail(file, from)
    .split('\n')
    .map((line) => line.trimEnd())
    // What follows an uncaught error: its stack and fields are indented.
    .filter((line) => line !== '' && !/^(?:\s|Node\.js v\d|[{}]$)/.test(line));
  const last = lines.at(-1);
  if (last === undefined) return undefined;
  const said = message(last);
  return said.length > LONGEST_LINE ? `${said.slice(0, LONGEST_LINE)}…` : said;
}

/** Structured lines carry what they say in `msg`, and the error that goes with it in `err`. */
function message(line: string): string {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null) return line;
    const { msg, err } = entry as { msg?: unknown; err?: { message?: unknown } };
    const parts = [msg, err?.message].filter((part) => typeof part === 'string' && part !== '');
    return parts.length > 0 ? [...new Set(parts)].join(': ') : line;
  } catch {
    return line;
  }
}

function tail(file: string, from: number): string {
  try {
    const fd = openSync(file, 'r');
    try {
      const { size } = fstatSync(fd);
      const start = Math.max(from > size ? 0 : from, size - TAIL_BYTES);
      const buffer = Buffer.alloc(size - start);
      return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, start));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
