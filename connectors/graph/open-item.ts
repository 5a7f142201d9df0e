import type { Dispatcher } from 'undici';
import { onAbort } from '../../domain/abort.ts';
import type { Version } from '../../domain/item.ts';
import type { OpenItem } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import type { GraphClient } from './client.ts';
import { type DriveItem, modifiedOf, SELECTED_TO_COMPARE } from './drive-item.ts';
import { failureOf, retryAfterMs, unanswered } from './failures.ts';
import { itemAddress } from './names.ts';
import { type Drive, itemWithId } from './places.ts';
import { QuickXor } from './quick-xor.ts';
import { versionOf } from './version.ts';

/** What a pre-authenticated address answers when it no longer holds. */
const REFUSED = new Set([401, 403, 404, 410]);

/** A drive item at one cTag. Graph can't be asked for the bytes of a version, so that the cTag is compared once more at the end. */
export class OpenDriveItem implements OpenItem {
  readonly version: Version;
  readonly size: number;
  readonly modified?: string;
  readonly #client: GraphClient;
  readonly #drive: Drive;
  readonly #location: string;
  readonly #found: DriveItem;
  readonly #hash = new QuickXor();
  #read = 0;
  #ended = false;
  #signal: AbortSignal = new AbortController().signal;

  /** @throws ConnectorError `storage_error` for an item without content tag or size */
  constructor(client: GraphClient, drive: Drive, location: string, found: DriveItem) {
    const { id, cTag, size } = found;
    if (cTag === undefined || size === undefined) {
      throw new ConnectorError('storage_error', `${JSON.stringify(location)}: Graph gives no cTag or no size for it`);
    }
    this.#client = client;
    this.#drive = drive;
    this.#location = location;
    this.#found = found;
    this.version = versionOf({ id, cTag });
    this.size = size;
    const { modified } = modifiedOf(found);
    if (modified !== undefined) this.modified = modified;
  }

  async *read(signal: AbortSignal): AsyncIterable<Uint8Array> {
    signal.throwIfAborted();
    this.#signal = signal;
    const hashed = this.#found.file?.hashes?.quickXorHash !== undefined;
    const own = new AbortController();
    const seat = onAbort(signal, own);
    let body: Dispatcher.ResponseData['body'] | undefined;
    try {
      body = (await this.#download(own.signal)).body;
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        signal.throwIfAborted();
        this.#read += chunk.length;
        if (hashed) this.#hash.update(chunk);
        yield chunk;
        if (this.#read > this.size) throw this.#changed('it grew while it was read');
      }
      this.#ended = true;
    } catch (error) {
      throw unanswered(error, this.#doing('reading'), signal);
    } finally {
      body?.destroy();
      seat.leave();
    }
  }

  async confirm(): Promise<void> {
    if (!this.#ended || this.#read !== this.size) {
      throw this.#changed(`${this.#read} of ${this.size} bytes were read`);
    }
    const promised = this.#found.file?.hashes?.quickXorHash;
    if (promised !== undefined && promised !== this.#hash.digest()) {
      throw this.#changed(`its bytes have not the hash ${promised} that the drive gives for it`);
    }
    const now = await itemWithId(this.#client, this.#drive, this.#found.id, this.#signal, SELECTED_TO_COMPARE);
    if (now?.cTag !== this.#found.cTag) throw this.#changed('its content is another one now, or gone');
  }

  async close(): Promise<void> {
    // The body is freed where it is read; nothing is held open otherwise.
  }

  /** The address that came with the item, or where that is refused the one that Graph gives when asked for the content. */
  async #download(signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const doing = this.#doing('opening');
    const known = this.#found['@microsoft.graph.downloadUrl'];
    const first = known === undefined ? undefined : await this.#client.fetch(known, doing, signal);
    if (first?.statusCode === 200) return first;
    await first?.body.dump();
    if (first !== undefined && !REFUSED.has(first.statusCode)) throw this.#refused(first, doing);
    const path = itemAddress(this.#drive.id, this.#found.id, 'content');
    const answer = await this.#client.ask({ path, doing, accept: [302] }, signal);
    if (answer.location === undefined) {
      throw new ConnectorError('configuration', `${doing}: Graph names no address for the content; check its address`);
    }
    const content = await this.#client.fetch(answer.location, doing, signal);
    if (content.statusCode === 200) return content;
    await content.body.dump();
    throw this.#refused(content, doing);
  }

  #refused({ statusCode: status, headers }: Dispatcher.ResponseData, doing: string): ConnectorError {
    // An address that Graph has just given and that is refused all the same says nothing of the item.
    if (REFUSED.has(status)) return new ConnectorError('storage_error', `${doing}: no address of the content holds`);
    const wait = retryAfterMs(headers['retry-after']?.toString(), Date.now());
    return failureOf(
      { status, body: undefined, code: undefined, retryAfterMs: wait, location: undefined },
      doing,
      'item',
    );
  }

  #doing(what: string): string {
    return `${what} ${JSON.stringify(this.#location)} in ${this.#drive.name}`;
  }

  #changed(why: string): ConnectorError {
    return new ConnectorError('changed', `${JSON.stringify(this.#location)}: ${why}`);
  }
}
