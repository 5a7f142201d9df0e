import { hash as digest } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { LedgerError } from './errors.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Level 1: rows shrink to about a third at 3 ms for 5,000 of them; higher levels cost more time than they save space. */
const COMPRESSION = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};

/** Bytes that one object may unfold to: far above 5,000 lines of the longest names, far below what memory holds. */
const MAX_UNFOLDED = 384 * 1024 * 1024;

/** SHA-256 of an object's stored bytes, lower-case hex. */
export function hashOf(bytes: Uint8Array): string {
  return digest('sha256', bytes, 'hex');
}

/** A header line and one line for each value, compressed in the thread pool. JSON escapes line breaks, so a line is a value. */
export async function encodeLines(header: object, values: readonly unknown[]): Promise<Buffer> {
  const lines = new Array<string>(values.length + 2);
  lines[0] = JSON.stringify(header);
  for (let i = 0; i < values.length; i++) lines[i + 1] = JSON.stringify(values[i]);
  lines[values.length + 1] = '';
  return compress(Buffer.from(lines.join('\n'), 'utf8'), COMPRESSION);
}

/**
 * The lines of an object, unfolded but not yet parsed.
 * @throws LedgerError `corrupt`, naming the object
 */
export async function unfold(name: string, stored: Buffer): Promise<Lines> {
  let bytes: Buffer;
  try {
    bytes = await decompress(stored, { maxOutputLength: MAX_UNFOLDED });
  } catch (cause) {
    throw corrupt(name, 'it does not unfold', cause);
  }
  return new Lines(name, bytes);
}

/** The lines of an object: number 0 is its header. */
export class Lines {
  readonly name: string;
  /** Bytes held in memory. */
  readonly bytes: number;
  readonly #buffer: Buffer;
  /** Where each line starts; one entry more than there are lines. */
  readonly #starts: number[];

  constructor(name: string, buffer: Buffer) {
    this.name = name;
    this.bytes = buffer.length;
    this.#buffer = buffer;
    this.#starts = [0];
    let at = buffer.indexOf(10);
    while (at !== -1) {
      this.#starts.push(at + 1);
      at = buffer.indexOf(10, at + 1);
    }
    if (buffer.length === 0 || this.#starts.at(-1) !== buffer.length) throw corrupt(name, 'its last line has no end');
  }

  /** Lines after the header. */
  get count(): number {
    return this.#starts.length - 2;
  }

  /** The text of a line: 0 is the header, 1 the first value. */
  text(line: number): string {
    const start = this.#starts[line];
    const end = this.#starts[line + 1];
    if (start === undefined || end === undefined) throw corrupt(this.name, `it has no line ${line + 1}`);
    return this.#buffer.toString('utf8', start, end - 1);
  }

  /** The numbers of the lines after the header, from `from` (at least 1). */
  *numbers(from = 1): Generator<number> {
    for (let line = Math.max(1, from); line <= this.count; line++) yield line;
  }

  /** The numbers of the lines that hold `text`, from `from` (at least 1), in order. */
  *containing(text: string, from = 1): Generator<number> {
    const needle = Buffer.from(text, 'utf8');
    for (let line = Math.max(1, from); line <= this.count; line++) {
      const at = this.#buffer.indexOf(needle, this.#starts[line]);
      if (at === -1) return;
      line = this.#lineAt(at, line);
      yield line;
    }
  }

  /** The line that byte `at` lies in, which is `least` or a later one. */
  #lineAt(at: number, least: number): number {
    let low = least;
    let high = this.count;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] as number) <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** @throws LedgerError `corrupt`, naming object and line */
  parse(line: number): unknown {
    const text = this.text(line);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw corrupt(this.name, `its line ${line + 1} is no JSON`, cause);
    }
  }

  /** All values after the header. */
  values<Value>(): Value[] {
    const found = new Array<Value>(this.count);
    for (let line = 1; line <= this.count; line++) found[line - 1] = this.parse(line) as Value;
    return found;
  }
}

export function corrupt(name: string, why: string, cause?: unknown): LedgerError {
  return new LedgerError(
    'corrupt',
    name,
    `The ledger object ${name} is damaged: ${why}. Restore it from a copy; "dsx ledger verify" lists everything that is wrong.`,
    { cause },
  );
}
