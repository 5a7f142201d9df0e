import type { Readable } from 'node:stream';
import type { BlobClient, BlobDownloadResponseParsed } from '@azure/storage-blob';
import { onAbort } from '../../domain/abort.ts';
import type { Version } from '../../domain/item.ts';
import { IdleWatch } from '../bucket/idle-watch.ts';
import type { OpenItem } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { ask } from './ask.ts';
import { isFolder, versionOf } from './entry.ts';

/** The store has so long for the next bytes, in milliseconds. */
const idle = new IdleWatch(60_000);

/**
 * Asks for the bytes of a blob, at the version that is in place. One request, so that all of them are of that version.
 * @throws ConnectorError
 */
export async function openBlob(blob: BlobClient, what: string, signal: AbortSignal): Promise<OpenItem> {
  const answer = await ask({ doing: 'opening', what }, signal, (abortSignal) =>
    blob.download(0, undefined, { abortSignal, maxRetryRequests: 0 }),
  );
  const item = new OpenBlob(blob, what, answer);
  if (!isFolder(answer.metadata, answer.contentLength)) return item;
  await item.close();
  throw new ConnectorError('not_an_item', `${what} is a folder`);
}

class OpenBlob implements OpenItem {
  readonly version: Version;
  readonly size: number;
  readonly #modified: Date | undefined;
  readonly #blob: BlobClient;
  readonly #what: string;
  readonly #stream: Readable;
  #count = 0;

  constructor(blob: BlobClient, what: string, answer: BlobDownloadResponseParsed) {
    this.#blob = blob;
    this.#what = what;
    this.version = versionOf(answer.etag);
    this.size = answer.contentLength ?? 0;
    this.#modified = answer.lastModified;
    this.#stream = answer.readableStreamBody as Readable;
    // An error is met by whoever reads; before that, nobody listens.
    this.#stream.on('error', () => undefined);
  }

  get modified(): string | undefined {
    return this.#modified?.toISOString();
  }

  async *read(signal: AbortSignal): AsyncIterable<Uint8Array> {
    signal.throwIfAborted();
    const stream = this.#stream;
    const seat = onAbort(signal, { abort: () => stream.destroy() });
    let wait = idle.wait(stream);
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        signal.throwIfAborted();
        this.#count += chunk.length;
        wait.leave();
        yield chunk;
        signal.throwIfAborted();
        wait = idle.wait(stream);
      }
    } catch {
      signal.throwIfAborted();
      throw await this.#broken();
    } finally {
      wait.leave();
      seat.leave();
      stream.destroy();
    }
    signal.throwIfAborted();
  }

  async confirm(): Promise<void> {
    if (this.#count !== this.size) {
      throw new ConnectorError('changed', `${this.#what}: ${this.#count} of its ${this.size} bytes were read`);
    }
  }

  async close(): Promise<void> {
    this.#stream.destroy();
  }

  /** Why a body ended early: what was replaced meanwhile is told as such. */
  async #broken(): Promise<ConnectorError> {
    const what = this.#what;
    try {
      const never = new AbortController().signal;
      const now = await ask({ doing: 'reading', what }, never, (abortSignal) =>
        this.#blob.getProperties({ abortSignal }),
      );
      if (versionOf(now.etag) !== this.version) {
        return new ConnectorError('changed', `${what} was replaced while it was read`);
      }
    } catch (error) {
      if (error instanceof ConnectorError && error.code === 'not_found') return error;
    }
    return new ConnectorError('storage_error', `reading ${what}: the connection broke after ${this.#count} bytes`);
  }
}
