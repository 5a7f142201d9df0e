import type { ActionIntent, ActionRow, ItemAction } from '../../domain/action.ts';
import type { Item, ItemRef } from '../../domain/item.ts';
import { failed, Stop } from '../action-stop.ts';
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
import type { Subscriber } from '../subscriber.ts';
import { deleteItem } from './actions/delete.ts';
import { moveItem } from './actions/move.ts';
import { restoreItem } from './actions/restore.ts';
import { reportOf, type Work } from './actions/work.ts';
import { libraryAssets, userAssets } from './assets.ts';
import { checkGraph } from './check.ts';
import { createGraphClient, type GraphClient } from './client.ts';
import { type Credential, createCredential } from './credential.ts';
import { itemOf, SELECTED_TO_READ } from './drive-item.ts';
import { findDrives, type GraphSettings } from './drives.ts';
import { Unanswered } from './failures.ts';
import { createGraphFeed } from './feed.ts';
import { Folders, isInAsset } from './folders.ts';
import { DeltaListing } from './listing.ts';
import { OpenDriveItem } from './open-item.ts';
import { type Drive, fileAt, itemAt, itemWithId, type Place, placeOf } from './places.ts';
import { endpointsOf } from './settings.ts';
import { createGraphSubscriber } from './subscriptions.ts';
import { pinnedBy } from './version.ts';

/** A change whose answer is lost is looked after so often in one call: the drive is read, and the rest done. */
const LOOKS = 3;

/** Libraries of SharePoint, and drives of OneDrive for Business. See `docs/connectors/sharepoint.md` and `onedrive.md`. */
class GraphConnector implements Connector {
  readonly kind: string;
  readonly id: string;
  readonly capabilities: Capabilities = {
    ordered: false,
    actions: ['nothing', 'delete', 'move'],
    conditional: 'enforced',
    restore: true,
  };
  readonly #settings: GraphSettings;
  readonly #credential: Credential;
  readonly #client: GraphClient;
  readonly #folders = new Map<string, Folders>();
  #drives: Promise<readonly Drive[]> | undefined;

  constructor(settings: GraphSettings) {
    this.#settings = settings;
    this.kind = settings.kind;
    this.id = settings.id;
    this.#credential = createCredential(settings);
    this.#client = createGraphClient(endpointsOf(settings).graph, this.#credential);
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    return (await this.#find(signal)).map(({ id }) => id).join(' ');
  }

  async check(action: ItemAction, signal: AbortSignal): Promise<CheckReport> {
    signal.throwIfAborted();
    const { kind } = this.#settings;
    const tried = { kind, client: this.#client, credential: this.#credential, find: () => this.#find(signal) };
    return checkGraph(tried, action, signal);
  }

  list(scope: ListScope, from: Position | undefined): Listing {
    const { pageSize } = this.#settings;
    const drives = (signal: AbortSignal) => this.#bound(signal);
    const folders = (drive: Drive, anew: boolean) => this.#foldersOf(drive, anew);
    if (from === undefined) this.#drives = undefined;
    return new DeltaListing({ client: this.#client, drives, folders, pageSize }, scope, from);
  }

  feed(from: Position | undefined): Feed {
    const { pageSize, watch } = this.#settings;
    const drives = (signal: AbortSignal) => this.#find(signal);
    return createGraphFeed({ client: this.#client, drives, from, pageSize, ...watch });
  }

  subscriber(): Subscriber {
    return createGraphSubscriber(this.#client, (signal) => this.#find(signal));
  }

  async assets(query: { limit: number; after?: string }, signal: AbortSignal): Promise<AssetPage> {
    signal.throwIfAborted();
    const settings = this.#settings;
    if (settings.kind === 'sharepoint') return libraryAssets(this.#client, settings, query, signal);
    return userAssets(this.#client, settings, query, signal);
  }

  async stat(ref: ItemRef, signal: AbortSignal): Promise<Item> {
    const { drive, names } = placeOf(await this.#bound(signal), ref);
    return this.#explained(drive, signal, async () => {
      const found = await itemAt(this.#client, drive, names, signal);
      return itemOf(ref.location, fileAt(found, ref.location));
    });
  }

  async open(ref: ItemRef & Pick<Item, 'version'>, signal: AbortSignal): Promise<OpenItem> {
    const { drive, names } = placeOf(await this.#bound(signal), ref);
    return this.#explained(drive, signal, async () => {
      const there = await itemAt(this.#client, drive, names, signal, SELECTED_TO_READ);
      const found = there ?? (await this.#renamed(drive, ref.version, signal));
      return new OpenDriveItem(this.#client, drive, ref.location, fileAt(found, ref.location));
    });
  }

  async act(intent: ActionIntent, signal: AbortSignal): Promise<ActionReport> {
    return this.#on(intent.item, intent.finding, signal, async (work) => {
      if (intent.action === 'move') return moveItem({ ...work, intent });
      if (intent.action === 'delete') return deleteItem({ ...work, intent });
      throw failed('not_supported', 'a drive has no tags; choose move or delete');
    });
  }

  async restore(row: ActionRow, signal: AbortSignal): Promise<ActionReport> {
    return this.#on(row, row.finding, signal, (work) => restoreItem(work, row));
  }

  async close(): Promise<void> {
    this.#folders.clear();
    await this.#client.close();
  }

  /** Finds the drives anew. */
  async #find(signal: AbortSignal): Promise<readonly Drive[]> {
    signal.throwIfAborted();
    const drives = await findDrives(this.#client, this.#settings, signal);
    this.#drives = Promise.resolve(drives);
    return drives;
  }

  /** The drives, found once. Who comes while they are being looked for looks by itself, so that an abort is its own. */
  async #bound(signal: AbortSignal): Promise<readonly Drive[]> {
    signal.throwIfAborted();
    return (await this.#drives) ?? (await this.#find(signal));
  }

  #foldersOf(drive: Drive, anew: boolean): Folders {
    const known = anew ? undefined : this.#folders.get(drive.id);
    if (known) return known;
    const folders = new Folders(this.#client, drive);
    this.#folders.set(drive.id, folders);
    return folders;
  }

  /**
   * The listed item where its folder was renamed or moved since: a delta tells of the folder alone. It counts while it is still
   * in the asset, and not in quarantine.
   */
  async #renamed(drive: Drive, version: string | undefined, signal: AbortSignal) {
    const pinned = version === undefined ? undefined : pinnedBy(version);
    const found = pinned && (await itemWithId(this.#client, drive, pinned.id, signal));
    return found && (await isInAsset(this.#client, drive, found, signal)) ? found : undefined;
  }

  /** What is missing because its library or the asset's folder is missing is unreachable, not gone. */
  async #explained<T>(drive: Drive, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      const code = error instanceof Stop ? error.report.code : error instanceof ConnectorError && error.code;
      if (code !== 'not_found') throw error;
      if (await itemAt(this.#client, drive, drive.folder, signal)) throw error;
      this.#drives = undefined;
      const missing = `${drive.name}, or the folder ${JSON.stringify(drive.folder.join('/'))} of it, is not there any more`;
      throw new ConnectorError('unreachable', missing, { cause: error });
    }
  }

  /** Does something to an item. What it throws becomes a report, unless it holds the whole connector. */
  async #on(
    ref: ItemRef,
    finding: string,
    signal: AbortSignal,
    body: (work: Work) => Promise<ActionReport>,
  ): Promise<ActionReport> {
    const drives = await this.#bound(signal);
    for (let look = 1; ; look++) {
      try {
        const place: Place = placeOf(drives, ref);
        const work = { ...place, client: this.#client, finding, location: ref.location, signal };
        return await this.#explained(place.drive, signal, () => body(work));
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Unanswered)) return reportOf(error, signal);
        if (look === LOOKS) return { state: 'failed', code: 'storage_error', note: error.message };
      }
    }
  }
}

/** A connector for drives behind Microsoft Graph. Errors show when it is used, not here. */
export function createGraphConnector(settings: GraphSettings): Connector {
  return new GraphConnector(settings);
}
