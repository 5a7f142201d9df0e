import type { BigIntStats } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Version } from '../../domain/item.ts';
import type { OpenItem } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { pread } from './calls.ts';
import { callsFor, type ItemCalls } from './descriptor.ts';
import { failure } from './failures.ts';
import { type Raw, readable } from './names.ts';
import { absolute, type Place, proveAt } from './place.ts';
import { modifiedOf, sameVersion, versionOf } from './version.ts';

/** Files up to this size are read by one call into a buffer of their own. */
const SMALL = 64 * 1024;
/** Bytes per read of larger files. */
const CHUNK = 256 * 1024;
/** Buffers per larger file: one with the consumer, one being read, one for a consumer that lets go late. */
const RING = 3;

/** Kernels stamp times from a clock that ticks every 1 to 10 ms: a change within this of the last one may not show. */
const TICK_MS = 20;
/** File systems without fractions of a second (FAT, old NFS exports) tick up to every 2 s. */
const COARSE_TICK_MS = 2_000;
/** Waits for a file that is written all the time, before it counts as changing. */
const SETTLE_ROUNDS = 5;

/**
 * Opens the regular file at a location. `listed`, when it is the version now open, proves that this is the file which the
 * listing met inside the asset; otherwise the path is proven to lead through no link.
 * @throws ConnectorError `not_found`, `permission_denied`, `not_an_item`, `changed`, `storage_error`
 */
export async function openItem(place: Place, location: Raw, listed: Version | undefined): Promise<OpenItem> {
  const path = absolute(place, location);
  const calls = callsFor(place, listed);
  let fd: number;
  try {
    fd = await calls.open(path);
  } catch (error) {
    throw failure(error, 'opening', location);
  }
  try {
    let facts = await calls.fstat(fd);
    if (!facts.isFile())
      throw new ConnectorError('not_an_item', `${JSON.stringify(readable(location))} is no regular file`);
    const waited = unsettled(facts) > 0;
    if (waited) facts = await settled(fd, facts, location, calls);
    const version = versionOf(facts);
    if (version !== listed) await proveAt(fd, path, location);
    return new OpenFile(fd, facts, version, location, calls);
  } catch (error) {
    calls.close(fd);
    throw failure(error, 'opening', location);
  }
}

/** Milliseconds until a further change is sure to show in the change time. */
export function unsettled(facts: BigIntStats): number {
  const age = Date.now() - Number(facts.ctimeMs);
  if (age >= COARSE_TICK_MS) return 0;
  const coarse = facts.ctimeNs % 1_000_000_000n === 0n && facts.mtimeNs % 1_000_000_000n === 0n;
  const tick = coarse ? COARSE_TICK_MS : TICK_MS;
  // A clock that is ahead of ours (a file server's) tells nothing about the age: wait one tick.
  return age < 0 ? tick : Math.max(0, tick - age);
}

async function settled(fd: number, first: BigIntStats, location: Raw, calls: ItemCalls): Promise<BigIntStats> {
  let facts = first;
  for (let round = 0; round < SETTLE_ROUNDS; round++) {
    await delay(Math.ceil(unsettled(facts)));
    const now = await calls.fstat(fd);
    if (sameVersion(now, facts)) return now;
    facts = now;
  }
  throw new ConnectorError('changed', `${JSON.stringify(readable(location))} is being written`);
}

class OpenFile implements OpenItem {
  readonly version: Version;
  readonly size: number;
  readonly modified?: string;
  readonly #fd: number;
  readonly #facts: BigIntStats;
  readonly #location: Raw;
  readonly #calls: ItemCalls;
  #read = 0;
  #busy: Promise<unknown> | undefined;
  #closed = false;

  constructor(fd: number, facts: BigIntStats, version: Version, location: Raw, calls: ItemCalls) {
    this.#calls = calls;
    this.#fd = fd;
    this.#facts = facts;
    this.#location = location;
    this.version = version;
    this.size = Number(facts.size);
    const modified = modifiedOf(facts);
    if (modified !== undefined) this.modified = modified;
  }

  read(signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.size <= SMALL ? this.#small(signal) : this.#large(signal);
  }

  /** One byte more than promised is asked for, so that growth shows at once. */
  async *#small(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const room = this.size + 1;
    while (this.#read < room) {
      signal.throwIfAborted();
      const buffer = Buffer.allocUnsafe(room - this.#read);
      const count = await this.#readSmall(buffer, this.#read);
      if (count === 0) return;
      this.#read += count;
      yield count === buffer.length ? buffer : buffer.subarray(0, count);
      if (this.#read === this.size) return;
    }
  }

  /** The next chunk is read while the consumer has the one before. */
  async *#large(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const ring = Array.from({ length: RING }, () => Buffer.allocUnsafeSlow(CHUNK));
    let turn = 0;
    let at = 0;
    const ask = () => {
      const buffer = ring[turn++ % RING] as Buffer;
      const length = Math.min(CHUNK, this.size + 1 - at);
      const answer = this.#pread(buffer, length, at).then((count) => ({ buffer, count }));
      // A rejection is seen when it is awaited; a consumer that leaves early must not make it an unhandled one.
      answer.catch(() => {});
      return answer;
    };
    let coming = ask();
    for (;;) {
      signal.throwIfAborted();
      const { buffer, count } = await coming;
      if (count === 0) return;
      at += count;
      const more = at < this.size;
      if (more) coming = ask();
      this.#read = at;
      yield buffer.subarray(0, count);
      if (!more) return;
    }
  }

  async #readSmall(into: Buffer, at: number): Promise<number> {
    if (this.#closed) throw this.#closedAlready();
    try {
      const count = this.#calls.read(this.#fd, into, at);
      return typeof count === 'number' ? count : await this.#held(count);
    } catch (error) {
      throw failure(error, 'reading', this.#location);
    }
  }

  #closedAlready(): ConnectorError {
    return new ConnectorError('storage_error', `${readable(this.#location)} is closed already`);
  }

  async #pread(into: Buffer, length: number, at: number): Promise<number> {
    if (this.#closed) throw this.#closedAlready();
    try {
      return await this.#held(pread(this.#fd, into, length, at));
    } catch (error) {
      throw failure(error, 'reading', this.#location);
    }
  }

  /** Keeps the descriptor open until the call that uses it has returned. */
  async #held<T>(call: Promise<T>): Promise<T> {
    this.#busy = call;
    try {
      return await call;
    } finally {
      if (this.#busy === call) this.#busy = undefined;
    }
  }

  async confirm(): Promise<void> {
    if (this.#closed) throw this.#closedAlready();
    let now: BigIntStats;
    try {
      const asked = this.#calls.fstat(this.#fd);
      now = asked instanceof Promise ? await this.#held(asked) : asked;
    } catch (error) {
      throw failure(error, 'reading', this.#location);
    }
    if (this.#read !== this.size || !sameVersion(now, this.#facts)) {
      throw new ConnectorError(
        'changed',
        `${JSON.stringify(readable(this.#location))} changed while it was read (${this.#read} of ${this.size} bytes, now ${now.size})`,
      );
    }
  }

  /** Waits for a read under way: its descriptor number must not become another file's. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#busy !== undefined) await this.#busy.catch(() => {});
    this.#calls.close(this.#fd);
  }
}
