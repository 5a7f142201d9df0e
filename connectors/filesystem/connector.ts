import type { ActionIntent, ActionRow, ItemAction } from '../../domain/action.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Item, ItemRef } from '../../domain/item.ts';
import { failed } from '../action-stop.ts';
import type {
  ActionReport,
  AssetPage,
  Capabilities,
  CheckReport,
  Connector,
  Listing,
  ListScope,
  OpenItem,
  Position,
} from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import type { Feed } from '../feed.ts';
import { deleteItem } from './actions/delete.ts';
import { moveItem } from './actions/move.ts';
import { restoreItem } from './actions/restore.ts';
import { tagItem } from './actions/tag.ts';
import { openItemFolder, reportOf, type Work } from './actions/work.ts';
import { assetsOf } from './assets.ts';
import { closeFd, lstat } from './calls.ts';
import { checkFilesystem } from './check.ts';
import { isOurs, itemOf } from './entry.ts';
import { failure } from './failures.ts';
import { createFileFeed } from './feed.ts';
import { FolderNames, insideOf, readKeys } from './folder.ts';
import { folderOf, joined, nameOf, type Raw, rawLocation, rawOf, readable } from './names.ts';
import { openItem } from './open-file.ts';
import {
  absolute,
  type FilesystemSettings,
  findPlace,
  findReadable,
  isHidden,
  openFolder,
  type Place,
} from './place.ts';
import { Walk } from './walk.ts';

/** Files below a folder, or one file. See `docs/connectors/filesystem.md`. */
class FilesystemConnector implements Connector {
  readonly kind = 'filesystem';
  readonly id: string;
  readonly capabilities: Capabilities = {
    ordered: true,
    actions: ['nothing', 'delete', 'move', 'tag', 'movetag'],
    conditional: 'checked',
    restore: true,
  };
  readonly #settings: FilesystemSettings;
  readonly #names = new FolderNames();
  #place: Promise<Place> | undefined;

  constructor(settings: FilesystemSettings) {
    this.#settings = settings;
    this.id = settings.id;
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const place = await findReadable(this.#settings);
    return `${place.facts.dev}:${place.facts.ino}`;
  }

  async check(action: ItemAction, signal: AbortSignal): Promise<CheckReport> {
    signal.throwIfAborted();
    return checkFilesystem(this.#settings, action);
  }

  list(scope: ListScope, from: Position | undefined): Listing {
    return new Walk(() => this.#find(), this.#names, scope, from);
  }

  feed(from: Position | undefined): Feed {
    return createFileFeed({ find: () => this.#find(), from, ...this.#settings.watch });
  }

  async assets(query: { limit: number; after?: string }, signal: AbortSignal): Promise<AssetPage> {
    signal.throwIfAborted();
    return assetsOf(await findReadable(this.#settings), query);
  }

  async stat(ref: ItemRef, signal: AbortSignal): Promise<Item> {
    signal.throwIfAborted();
    const { place, location } = await this.#locate(ref);
    try {
      const path = absolute(place, location);
      const fd = await openFolder(folderOf(path), location);
      try {
        const inside = joined(insideOf(fd, folderOf(path)), nameOf(path));
        const facts = await lstat(inside);
        if (facts.isDirectory())
          throw new ConnectorError('not_an_item', `${JSON.stringify(readable(location))} is a folder`);
        if (await isOurs(inside, nameOf(path), facts))
          throw new ConnectorError('not_an_item', `${JSON.stringify(readable(location))} holds tags of ours`);
        return itemOf(location, facts, undefined);
      } finally {
        closeFd(fd);
      }
    } catch (error) {
      throw await this.#explained(failure(error, 'looking at', location), place);
    }
  }

  async open(ref: ItemRef & Pick<Item, 'version'>, signal: AbortSignal): Promise<OpenItem> {
    signal.throwIfAborted();
    const { place, location } = await this.#locate(ref);
    try {
      return await openItem(place, location, ref.version);
    } catch (error) {
      throw await this.#explained(failure(error, 'opening', location), place);
    }
  }

  async act(intent: ActionIntent, signal: AbortSignal): Promise<ActionReport> {
    return this.#on(intent.item, intent.finding, signal, async (work) => {
      const { place, location } = work;
      if (isHidden(place, location)) throw failed('not_supported', 'it lies in quarantine, or in our own state');
      if (place.only !== undefined && location !== place.only) throw failed('not_found', 'the asset is another file');
      const folder = await openItemFolder(work);
      try {
        const acting = { ...work, intent };
        if (intent.action === 'tag') return await tagItem(acting, folder);
        if (intent.action === 'delete') return await deleteItem(acting, folder);
        return await moveItem(acting, folder);
      } finally {
        closeFd(folder.fd);
      }
    });
  }

  async restore(row: ActionRow, signal: AbortSignal): Promise<ActionReport> {
    return this.#on(row, row.finding, signal, (work) => restoreItem(work, row));
  }

  async close(): Promise<void> {
    this.#names.forget();
    this.#place = undefined;
  }

  /** Finds the asset anew. What is opened from here on belongs to it. */
  async #find(): Promise<Place> {
    const place = await findPlace(this.#settings);
    this.#place = Promise.resolve(place);
    return place;
  }

  async #locate(ref: ItemRef): Promise<{ place: Place; location: Raw }> {
    const location = rawLocation(ref);
    this.#place ??= findPlace(this.#settings).catch((error: unknown) => {
      this.#place = undefined;
      throw error;
    });
    const place = await this.#place;
    if (isHidden(place, location)) {
      throw new ConnectorError(
        'not_an_item',
        `${JSON.stringify(ref.location)} lies in quarantine, or in our own state`,
      );
    }
    if (place.only !== undefined && location !== place.only) {
      throw new ConnectorError(
        'not_found',
        `${JSON.stringify(ref.location)}: the asset is the one file ${readable(place.only)}`,
      );
    }
    return { place, location };
  }

  /** What is missing because its mount is missing is unreachable, not gone. */
  async #explained(error: ConnectorError, place: Place): Promise<ConnectorError> {
    if (error.code !== 'not_found') return error;
    const now = await findPlace(this.#settings).catch((cause: unknown) =>
      failure(cause, 'finding the asset', place.root),
    );
    if (now instanceof ConnectorError) return place.only === undefined ? now : error;
    if (now.facts.dev !== place.facts.dev && (await isEmpty(now))) {
      const message = `${this.#settings.asset} is an empty folder on another device than before: its mount is missing`;
      return new ConnectorError('unreachable', message, { cause: error });
    }
    this.#place = Promise.resolve(now);
    return error;
  }

  /** Does something to an item. What it throws becomes a report, unless it holds the whole connector. */
  async #on(
    ref: ItemRef,
    finding: string,
    signal: AbortSignal,
    body: (work: Work) => Promise<ActionReport>,
  ): Promise<ActionReport> {
    signal.throwIfAborted();
    let location: Raw;
    try {
      location = rawLocation(ref);
    } catch (error) {
      return { state: 'failed', code: 'not_supported', note: messageOf(error) };
    }
    const place = await findPlace(this.#settings).catch((error: unknown) => {
      // An asset that is one file is not there once the file has been acted on.
      const asset = rawOf(this.#settings.asset);
      if (!(error instanceof ConnectorError) || error.code !== 'unreachable' || nameOf(asset) !== location) throw error;
      return findPlace({ ...this.#settings, asset: readable(folderOf(asset)) });
    });
    const work = { settings: this.#settings, place, finding, location, signal };
    try {
      return await body(work);
    } catch (error) {
      return reportOf(error, work);
    }
  }
}

async function isEmpty(place: Place): Promise<boolean> {
  const keys = await readKeys(place.root, 0).catch(() => undefined);
  return keys?.length === 0;
}

/** A connector for the files below a folder, or for one file. Errors show when it is used, not here. */
export function createFilesystemConnector(settings: FilesystemSettings): Connector {
  return new FilesystemConnector(settings);
}
