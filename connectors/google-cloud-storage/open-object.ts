import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { onAbort } from '../../domain/abort.ts';
import type { Version } from '../../domain/item.ts';
import type { OpenItem } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { noService } from './client.ts';
import { Crc32c } from './crc32c.ts';
import { unanswered } from './failures.ts';
import { isGeneration } from './item.ts';
import { type ObjectName, urlOf } from './place.ts';

/**
 * The object whose bytes an answer brings. One answer is one generation, whatever is written meanwhile.
 * @throws ConnectorError `configuration` for an answer that is none of the service
 */
export function openObject(at: ObjectName, answer: Dispatcher.ResponseData): OpenItem {
  const header = (name: string) => {
    const value = answer.headers[name];
    return Array.isArray(value) ? value.join(',') : value;
  };
  const refuse = (error: ConnectorError) => {
    discard(answer.body);
    return error;
  };
  const generation = header('x-goog-generation');
  if (generation === undefined || !isGeneration(generation)) throw refuse(noService({ about: { doing: 'reading' } }));
  const stored = header('x-goog-stored-content-encoding') ?? 'identity';
  const served = header('content-encoding') ?? 'identity';
  // Text may be packed for the way; what is stored packed must come as it is.
  const packed = served === 'gzip' && stored !== 'gzip';
  if (stored === 'gzip' && served !== 'gzip') {
    throw refuse(new ConnectorError('storage_error', `${JSON.stringify(urlOf(at))} was unpacked on the way`));
  }
  const size = header('x-goog-stored-content-length') ?? (packed ? undefined : header('content-length'));
  if (size === undefined || !/^\d+$/.test(size)) throw refuse(noService({ about: { doing: 'reading' } }));
  const crc32c = /(?:^|,)\s*crc32c=([^,\s]+)/.exec(header('x-goog-hash') ?? '')?.[1];
  return new OpenObject(at, { version: generation, size: Number(size), crc32c }, answer.body, packed);
}

interface Promised {
  readonly version: Version;
  readonly size: number;
  readonly crc32c: string | undefined;
}

class OpenObject implements OpenItem {
  readonly version: Version;
  readonly size: number;
  readonly #at: ObjectName;
  readonly #crc32c: string | undefined;
  readonly #body: Dispatcher.ResponseData['body'];
  readonly #packed: boolean;
  readonly #sum = new Crc32c();
  #read = 0;

  constructor(at: ObjectName, promised: Promised, body: Dispatcher.ResponseData['body'], packed: boolean) {
    this.version = promised.version;
    this.size = promised.size;
    this.#crc32c = promised.crc32c;
    this.#at = at;
    this.#body = body;
    this.#packed = packed;
    // A connection that breaks while nobody reads is told when somebody does.
    body.on('error', () => undefined);
  }

  async *read(signal: AbortSignal): AsyncIterable<Uint8Array> {
    signal.throwIfAborted();
    const seat = onAbort(signal, { abort: () => discard(this.#body) });
    try {
      // An error of the answer ends the unpacking with it.
      const bytes = this.#packed ? pipeline(this.#body, createGunzip(), () => undefined) : this.#body;
      for await (const chunk of bytes as AsyncIterable<Buffer>) {
        signal.throwIfAborted();
        this.#read += chunk.length;
        this.#sum.update(chunk);
        yield chunk;
        if (this.#read > this.size) break;
      }
      signal.throwIfAborted();
    } catch (error) {
      signal.throwIfAborted();
      throw unanswered(error, { doing: 'reading', ...this.#at });
    } finally {
      seat.leave();
    }
  }

  async confirm(): Promise<void> {
    const name = JSON.stringify(urlOf(this.#at));
    if (this.#read !== this.size) {
      throw new ConnectorError('changed', `${name}: ${this.#read} bytes of ${this.size} were read`);
    }
    if (this.#crc32c !== undefined && this.#sum.base64() !== this.#crc32c) {
      throw new ConnectorError(
        'storage_error',
        `${name}: the bytes that came have another CRC32C than the storage says`,
      );
    }
  }

  async close(): Promise<void> {
    discard(this.#body);
  }
}

/** Ends an answer that nobody reads to its end. */
function discard(body: Dispatcher.ResponseData['body']): void {
  body.on('error', () => undefined);
  body.destroy();
}
