import type { S3Client } from '@aws-sdk/client-s3';
import type { ActionIntent, ActionRow, ItemAction } from '../../domain/action.ts';
import type { Item, ItemRef } from '../../domain/item.ts';
import { failed } from '../action-stop.ts';
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
import { actOn, reported } from './actions/act.ts';
import { restoreItem } from './actions/restore.ts';
import type { Work } from './actions/work.ts';
import { checkS3 } from './check.ts';
import { createClient } from './client.ts';
import { assetsOf } from './discovery.ts';
import { S3Listing } from './listing.ts';
import { factsOf, itemOf } from './object.ts';
import { openObject } from './open-object.ts';
import { objectsPage } from './pages.ts';
import { nameOf, type Place, placeOf } from './place.ts';
import type { AwsS3Settings } from './settings.ts';
import { pinOf } from './version.ts';

/** Objects of buckets of Amazon S3, or of another store that speaks S3. See `docs/connectors/aws-s3.md`. */
class AwsS3Connector implements Connector {
  readonly kind = 'aws_s3';
  readonly id: string;
  readonly capabilities: Capabilities = {
    ordered: true,
    actions: ['nothing', 'delete', 'move', 'tag', 'movetag'],
    conditional: 'enforced',
    restore: true,
  };
  readonly #settings: AwsS3Settings;
  readonly #place: Place;
  readonly #client: S3Client;
  readonly #ahead: AheadOptions;

  constructor(settings: AwsS3Settings, ahead: AheadOptions) {
    this.#ahead = ahead;
    this.#settings = settings;
    this.id = settings.id;
    this.#place = placeOf(settings);
    this.#client = createClient(settings);
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    for (const area of this.#place.areas) await objectsPage(this.#client, { ...area, max: 1 }, signal);
    const host = this.#settings.endpoint ?? 'aws';
    return `s3:${host}:${this.#place.areas.map(nameOf).join(',')}`;
  }

  async check(action: ItemAction, signal: AbortSignal): Promise<CheckReport> {
    signal.throwIfAborted();
    return checkS3(this.#client, this.#place, this.#settings, action, signal);
  }

  list(scope: ListScope, from: Position | undefined): Listing {
    return new S3Listing(this.#client, this.#place, scope, from, this.#ahead);
  }

  async assets(query: { limit: number; after?: string }, signal: AbortSignal): Promise<AssetPage> {
    signal.throwIfAborted();
    return assetsOf(this.#client, this.#place, query, signal);
  }

  async stat(ref: ItemRef, signal: AbortSignal): Promise<Item> {
    signal.throwIfAborted();
    const facts = await factsOf(this.#client, this.#place.spotOf(ref), signal);
    return itemOf(ref.location, facts);
  }

  async open(ref: ItemRef & Pick<Item, 'version'>, signal: AbortSignal): Promise<OpenItem> {
    signal.throwIfAborted();
    return openObject(this.#client, this.#place.spotOf(ref), signal);
  }

  async act(intent: ActionIntent, signal: AbortSignal): Promise<ActionReport> {
    signal.throwIfAborted();
    return reported(signal, async () => {
      const judged = pinOf(intent.judged.version);
      if (judged === undefined) throw failed('not_supported', 'the judged version is none of S3');
      return actOn({ ...this.#work(intent.item, intent.finding, signal), intent, judged });
    });
  }

  async restore(row: ActionRow, signal: AbortSignal): Promise<ActionReport> {
    signal.throwIfAborted();
    return reported(signal, async () => restoreItem(this.#work(row, row.finding, signal), row));
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  /** @throws ConnectorError `not_an_item` */
  #work(ref: ItemRef, finding: string, signal: AbortSignal): Work {
    const spot = this.#place.spotOf(ref);
    return {
      settings: this.#settings,
      client: this.#client,
      place: this.#place,
      finding,
      location: ref.location,
      spot,
      signal,
    };
  }
}

/** @throws ConnectorError `configuration` for settings that can't work; everything else shows when it is used */
export function createAwsS3Connector(settings: AwsS3Settings, ahead: AheadOptions = AHEAD): Connector {
  if (settings.assets.length === 0) throw new ConnectorError('configuration', `connector ${settings.id} has no asset`);
  return new AwsS3Connector(settings, ahead);
}
