import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { onAbort } from '../../domain/abort.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Version } from '../../domain/item.ts';
import type { OpenItem } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { shown } from './failures.ts';
import { discard, type Facts, factsFrom, get } from './object.ts';
import type { Spot } from './place.ts';
import { versionOf } from './version.ts';

/**
 * Opens an object: one GET, whose answer names the version, and whose body is that version to its end, whatever is put in its place
 * meanwhile. S3's own checksum is compared where it gives one.
 * @throws ConnectorError
 */
export async function openObject(client: S3Client, spot: Spot, signal: AbortSignal): Promise<OpenItem> {
  const answer = await get(client, spot, signal);
  const body = answer.Body as Readable;
  try {
    return new ObjectBody(spot, factsFrom(answer, spot), body);
  } catch (error) {
    await discard(body);
    throw error;
  }
}

class ObjectBody implements OpenItem {
  readonly version: Version;
  readonly size: number;
  readonly modified: string;
  readonly #spot: Spot;
  readonly #body: Readable;
  #read = 0;
  #ended = false;

  constructor(spot: Spot, facts: Facts, body: Readable) {
    this.version = versionOf(facts);
    this.size = facts.size;
    this.modified = facts.modified;
    this.#spot = spot;
    this.#body = body;
    // Until it is read: an error of a body that nobody reads concerns nobody.
    body.on('error', () => undefined);
  }

  async *read(signal: AbortSignal): AsyncIterable<Uint8Array> {
    signal.throwIfAborted();
    const seat = onAbort(signal, { abort: () => this.#body.destroy() });
    try {
      for await (const chunk of this.#body as AsyncIterable<Uint8Array>) {
        signal.throwIfAborted();
        this.#read += chunk.length;
        yield chunk;
        signal.throwIfAborted();
        if (this.#read > this.size) throw this.#changed();
      }
      this.#ended = true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ConnectorError) throw error;
      const message = `reading ${shown(this.#spot)} broke off after ${this.#read} of ${this.size} bytes: ${messageOf(error)}`;
      throw new ConnectorError('storage_error', message, { cause: error });
    } finally {
      seat.leave();
    }
    signal.throwIfAborted();
  }

  async confirm(): Promise<void> {
    if (!this.#ended || this.#read !== this.size) throw this.#changed();
  }

  async close(): Promise<void> {
    if (!this.#ended && !this.#body.destroyed) await discard(this.#body);
  }

  #changed(): ConnectorError {
    return new ConnectorError('changed', `${shown(this.#spot)}: ${this.#read} of ${this.size} bytes were read`);
  }
}
