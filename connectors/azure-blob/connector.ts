import type { ActionIntent, ActionRow, ItemAction } from '../../domain/action.ts';
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
import { factsAt, reportOf, type Work } from './actions/work.ts';
import { ask } from './ask.ts';
import { assetsOf } from './assets.ts';
import { checkAzure } from './check.ts';
import { AzureConnection } from './connection.ts';
import { isFolder, itemOf } from './entry.ts';
import { BlobListing } from './listing.ts';
import { openBlob } from './open-item.ts';
import type { AzureBlobSettings } from './settings.ts';

/** Blobs of an Azure storage account. See `docs/connectors/azure-blob-storage.md`. */
class AzureBlobConnector implements Connector {
  readonly kind = 'azure_blob_storage';
  readonly id: string;
  readonly capabilities: Capabilities = {
    ordered: true,
    actions: ['nothing', 'delete', 'move', 'tag', 'movetag'],
    conditional: 'enforced',
    restore: true,
  };
  readonly #connection: AzureConnection;

  readonly #ahead: AheadOptions;

  constructor(settings: AzureBlobSettings, ahead: AheadOptions) {
    this.#ahead = ahead;
    this.id = settings.id;
    this.#connection = new AzureConnection(settings);
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    return this.#connection.fingerprint(signal);
  }

  async check(action: ItemAction, signal: AbortSignal): Promise<CheckReport> {
    return checkAzure(this.#connection, action, signal);
  }

  list(scope: ListScope, from: Position | undefined): Listing {
    const { names, settings, service } = this.#connection;
    const container = (name: string) => service.getContainerClient(name);
    return new BlobListing({ names, pageSize: settings.pageSize, ahead: this.#ahead, container }, scope, from);
  }

  async assets(query: { limit: number; after?: string }, signal: AbortSignal): Promise<AssetPage> {
    return assetsOf(this.#connection.service, this.#connection.names, query, signal);
  }

  async stat(ref: ItemRef, signal: AbortSignal): Promise<Item> {
    const blob = this.#blob(ref);
    const what = JSON.stringify(ref.location);
    const facts = await ask({ doing: 'looking at', what }, signal, (abortSignal) =>
      blob.getProperties({ abortSignal }),
    );
    if (isFolder(facts.metadata, facts.contentLength)) throw new ConnectorError('not_an_item', `${what} is a folder`);
    return itemOf(ref.location, facts);
  }

  async open(ref: ItemRef, signal: AbortSignal): Promise<OpenItem> {
    return openBlob(this.#blob(ref), JSON.stringify(ref.location), signal);
  }

  async act(intent: ActionIntent, signal: AbortSignal): Promise<ActionReport> {
    return this.#on(intent.item, intent.finding, signal, async (work) => {
      const acting = { ...work, intent };
      const facts = await factsAt(work, work.place);
      if (intent.action === 'tag') return tagItem(acting, facts);
      if (intent.action === 'delete') return deleteItem(acting, facts);
      return moveItem(acting, facts);
    });
  }

  async restore(row: ActionRow, signal: AbortSignal): Promise<ActionReport> {
    return this.#on(row, row.finding, signal, (work) => restoreItem(work, row));
  }

  async close(): Promise<void> {}

  /** @throws ConnectorError `not_an_item` */
  #blob(ref: ItemRef) {
    const { container, name } = this.#connection.names.locate(ref);
    return this.#connection.container(container).getBlobClient(name);
  }

  /** Does something to an item. What it throws becomes a report, unless it holds the whole connector. */
  async #on(
    ref: ItemRef,
    finding: string,
    signal: AbortSignal,
    body: (work: Work) => Promise<ActionReport>,
  ): Promise<ActionReport> {
    signal.throwIfAborted();
    const { names, settings, service } = this.#connection;
    try {
      const place = names.locate(ref);
      return await body({ names, settings, service, finding, location: ref.location, place, signal });
    } catch (error) {
      return reportOf(error, signal);
    }
  }
}

/** A connector for blobs of an Azure storage account. @throws ConnectorError `configuration` for settings that can't work */
export function createAzureBlobConnector(settings: AzureBlobSettings, ahead: AheadOptions = AHEAD): Connector {
  return new AzureBlobConnector(settings, ahead);
}
