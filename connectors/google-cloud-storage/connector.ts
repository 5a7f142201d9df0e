import type { ActionIntent, ActionRow, ItemAction } from '../../domain/action.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Item, ItemRef } from '../../domain/item.ts';
import { AHEAD, type AheadOptions } from '../bucket/ahead-pages.ts';
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
import { deleteItem } from './actions/delete.ts';
import { moveItem } from './actions/move.ts';
import { restoreItem } from './actions/restore.ts';
import { tagItem } from './actions/tag.ts';
import { reportOf, type Work } from './actions/work.ts';
import { assetsOf } from './assets.ts';
import { Buckets } from './bucket.ts';
import { checkGcs } from './check.ts';
import { GcsClient } from './client.ts';
import { itemOf } from './item.ts';
import { GcsListing } from './listing.ts';
import { Objects } from './objects.ts';
import { openObject } from './open-object.ts';
import { type ObjectName, objectAt, type Place, placeOf, shown } from './place.ts';
import type { GcsSettings } from './settings.ts';

/** Objects of Google Cloud Storage. See `docs/connectors/google-cloud-storage.md`. */
class GcsConnector implements Connector {
  readonly kind = 'google_cloud_storage';
  readonly id: string;
  readonly capabilities: Capabilities = {
    ordered: true,
    actions: ['nothing', 'delete', 'move', 'tag', 'movetag'],
    conditional: 'enforced',
    restore: true,
  };
  readonly #purge: boolean;
  readonly #place: Place;
  readonly #client: GcsClient;
  readonly #objects: Objects;
  readonly #buckets: Buckets;

  readonly #ahead: AheadOptions;

  constructor(settings: GcsSettings, ahead: AheadOptions) {
    this.#ahead = ahead;
    this.id = settings.id;
    this.#purge = settings.purge === true;
    this.#place = placeOf(settings);
    this.#client = new GcsClient(settings);
    this.#objects = new Objects(this.#client);
    this.#buckets = new Buckets(this.#client);
  }

  /** Bucket names are unique in the world; that each is there and can be listed is proven. */
  async fingerprint(signal: AbortSignal): Promise<string> {
    const names = [...new Set(this.#place.assets.map(({ bucket }) => bucket))];
    for (const name of names) await this.#buckets.reach(name, signal);
    return `gs://${this.#place.assets.map(shown).join(',')}`;
  }

  async check(action: ItemAction, signal: AbortSignal): Promise<CheckReport> {
    return checkGcs(this.#client, this.#buckets, this.#place, action, this.#purge, signal);
  }

  list(scope: ListScope, from: Position | undefined): Listing {
    return new GcsListing(this.#client, this.#place, scope, from, this.#ahead);
  }

  async assets(query: { limit: number; after?: string }, signal: AbortSignal): Promise<AssetPage> {
    return assetsOf(this.#client, this.#place, query, signal);
  }

  async stat(ref: ItemRef, signal: AbortSignal): Promise<Item> {
    const at = objectAt(this.#place, ref);
    return this.#explained(at, signal, async () => itemOf(ref.location, await this.#objects.get(at, signal)));
  }

  async open(ref: ItemRef, signal: AbortSignal): Promise<OpenItem> {
    const at = objectAt(this.#place, ref);
    return this.#explained(at, signal, async () => openObject(at, await this.#objects.media(at, signal)));
  }

  async act(intent: ActionIntent, signal: AbortSignal): Promise<ActionReport> {
    return this.#on(intent.item, signal, (work) => {
      const acting = { ...work, intent };
      if (intent.action === 'tag') return tagItem(acting);
      if (intent.action === 'delete') return deleteItem(acting);
      return moveItem(acting);
    });
  }

  async restore(row: ActionRow, signal: AbortSignal): Promise<ActionReport> {
    return this.#on(row, signal, (work) => restoreItem(work, row));
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** The service says the same of an object that is not there and of one whose bucket is not. */
  async #explained<T>(at: ObjectName, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      if (error instanceof ConnectorError && error.code === 'not_found') {
        await this.#buckets.proveThere(at.bucket, signal);
      }
      throw error;
    }
  }

  /** Does something to an item. What it throws becomes a report, unless it holds the whole connector. */
  async #on(ref: ItemRef, signal: AbortSignal, body: (work: Work) => Promise<ActionReport>): Promise<ActionReport> {
    signal.throwIfAborted();
    let at: ObjectName;
    try {
      at = objectAt(this.#place, ref);
    } catch (error) {
      return { state: 'failed', code: 'not_supported', note: messageOf(error) };
    }
    const work: Work = {
      place: this.#place,
      objects: this.#objects,
      buckets: this.#buckets,
      purge: this.#purge,
      location: ref.location,
      at,
      signal,
    };
    let report: ActionReport;
    try {
      report = await body(work);
    } catch (error) {
      report = reportOf(error, signal);
    }
    if (report.code === 'not_found') await this.#buckets.proveThere(at.bucket, signal);
    return report;
  }
}

/** @throws ConnectorError `configuration` for assets, quarantine or credentials that can't work */
export function createGcsConnector(settings: GcsSettings, ahead: AheadOptions = AHEAD): Connector {
  return new GcsConnector(settings, ahead);
}
