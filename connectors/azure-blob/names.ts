import { type BucketPlace, placeAbove } from '../../domain/bucket-place.ts';
import type { ItemRef } from '../../domain/item.ts';
import { ledgerPrefixIn } from '../../domain/ledger-place.ts';
import { ConnectorError } from '../errors.ts';
import type { AzureAsset, AzureBlobSettings } from './settings.ts';

/** A blob: its container and its whole name. */
export interface BlobPlace {
  readonly container: string;
  readonly name: string;
}

/** Where moved items go: in the container named, else in each item's own. */
export interface Quarantine {
  readonly container: string | undefined;
  /** Empty (the whole of another container), or ends with `/`. */
  readonly prefix: string;
}

const DEFAULT_QUARANTINE = 'dsxconnect-quarantine';
/** Longest name of a blob, in UTF-16 units. */
const LONGEST_NAME = 1024;
export const CONTAINER_NAME = /^(?:\$root|\$web|\$logs|[a-z0-9](?:-?[a-z0-9]){2,62})$/;

/** @throws ConnectorError `configuration` */
export function parseQuarantine(text = DEFAULT_QUARANTINE): Quarantine {
  const [, container, below = ''] = /^az:\/\/([^/]*)(?:\/(.*))?$/s.exec(text) ?? [];
  const path = (container === undefined ? text : below).replace(/\/+$/, '');
  const named = container === undefined || CONTAINER_NAME.test(container);
  const empty = path === '' && container !== undefined;
  if (!named || !(empty || isPath(path)) || (container === undefined && text.includes('://'))) {
    const remedy = 'give a prefix as dsxconnect-quarantine, or az://container/prefix';
    throw new ConnectorError('configuration', `quarantine ${JSON.stringify(text)} is no place for blobs; ${remedy}`);
  }
  return { container, prefix: empty ? '' : `${path}/` };
}

/** Whether each part of a name says something by itself: what is joined with it stays below. */
export function isPath(name: string): boolean {
  return isAddressable(name) && name.split('/').every((part) => part !== '');
}

/**
 * Whether a request can be made for the name: in an address, `.` and `..` would lead elsewhere, also when they are escaped, and the
 * service takes `\` for `/`.
 */
export function isAddressable(name: string): boolean {
  if (name === '' || name.length > LONGEST_NAME || /[\0\\]/.test(name) || !name.isWellFormed()) return false;
  return name.split('/').every((part) => part !== '.' && part !== '..');
}

/** The names of one connector's items. */
export class Names {
  /** In the byte order of `container/prefix`. */
  readonly assets: readonly AzureAsset[];
  readonly quarantine: Quarantine;
  readonly #ledgerIn: (container: string) => string | undefined;
  readonly #reserved: readonly BucketPlace[] | undefined;

  /**
   * @param account its name; '' when its address does not tell
   * @throws ConnectorError `configuration`
   */
  constructor(
    { ledger, reserved, ...settings }: Pick<AzureBlobSettings, 'assets' | 'quarantine' | 'ledger' | 'reserved'>,
    account = '',
  ) {
    this.#reserved = reserved;
    this.assets = [...settings.assets].sort((a, b) => byteOrder(assetName(a), assetName(b)));
    this.quarantine = parseQuarantine(settings.quarantine);
    // Containers of one name are taken for one where the account is not known: a ledger that was scanned could be acted upon.
    const known = account === '' && ledger?.kind === 'az' ? ledger.account : account;
    this.#ledgerIn = (bucket) => ledgerPrefixIn(ledger, { kind: 'az', account: known, bucket });
    for (const asset of this.assets) {
      this.#refuseLedger(asset);
      if (!this.isHidden(asset.container, asset.prefix)) continue;
      const told = `the asset ${assetName(asset)} lies in quarantine, where nothing is listed; choose another quarantine`;
      throw new ConnectorError('configuration', told);
    }
  }

  /** @throws ConnectorError `configuration` for an asset within the ledger, and for a quarantine within or around it */
  #refuseLedger(asset: AzureAsset): void {
    const { container = asset.container, prefix } = this.quarantine;
    const within = this.#ledgerIn(asset.container);
    if (within !== undefined && asset.prefix.startsWith(within)) {
      const told = `the asset ${assetName(asset)} lies in the ledger; give the ledger a folder or container of its own`;
      throw new ConnectorError('configuration', told);
    }
    const held = this.#ledgerIn(container);
    if (held === undefined || !(prefix.startsWith(held) || held.startsWith(prefix))) return;
    const [one, other] = [prefix, held].map((name) => assetName({ container, prefix: name }));
    throw new ConnectorError('configuration', `quarantine ${one} and the ledger at ${other} overlap; choose another`);
  }

  /** What lies in quarantine or in our ledger is neither listed nor opened. */
  isHidden(container: string, name: string): boolean {
    const { container: own, prefix } = this.quarantine;
    const ledger = this.#ledgerIn(container);
    if (ledger !== undefined && name.startsWith(ledger)) return true;
    if (placeAbove(this.#reserved, container, name) !== undefined) return true;
    return (own === undefined || own === container) && name.startsWith(prefix);
  }

  locationOf(asset: AzureAsset, name: string): string {
    return this.assets.length === 1 ? name.slice(asset.prefix.length) : `${asset.container}/${name}`;
  }

  /** @throws ConnectorError `not_an_item` for what is no location of an item */
  locate(ref: ItemRef): BlobPlace {
    const refuse = (why: string) => new ConnectorError('not_an_item', `${JSON.stringify(ref.location)} ${why}`);
    if (ref.locationBytes !== undefined) throw refuse('is not UTF-8, as names of blobs are');
    const place = this.#placeOf(ref.location);
    if (place === undefined || ref.location === '') throw refuse('is no location within the asset');
    if (!isAddressable(place.name)) throw refuse('is no name that a blob can have');
    if (this.isHidden(place.container, place.name)) throw refuse('lies in quarantine, or in our ledger');
    return place;
  }

  #placeOf(location: string): BlobPlace | undefined {
    const [only] = this.assets;
    if (only !== undefined && this.assets.length === 1) {
      return { container: only.container, name: only.prefix + location };
    }
    const slash = location.indexOf('/');
    const place = { container: location.slice(0, slash), name: location.slice(slash + 1) };
    const inside = this.assets.some(
      ({ container, prefix }) =>
        container === place.container && place.name.startsWith(prefix) && place.name !== prefix,
    );
    return slash > 0 && inside ? place : undefined;
  }

  /** The place of a quarantined item. @throws ConnectorError `not_an_item` for a destination that leaves quarantine */
  quarantined(item: BlobPlace, destination: string): BlobPlace {
    const { container = item.container, prefix } = this.quarantine;
    if (!isPath(destination) || destination.startsWith(MARKS) || !isAddressable(prefix + destination)) {
      throw new ConnectorError('not_an_item', `${JSON.stringify(destination)} is no place in quarantine`);
    }
    return { container, name: prefix + destination };
  }

  /** The place of the mark of a deletion. `hash` stands for the finding. */
  mark(item: BlobPlace, hash: string): BlobPlace {
    const { container = item.container, prefix } = this.quarantine;
    return { container, name: `${prefix}${MARKS}${hash}` };
  }
}

const MARKS = '.deleted/';

/** As the setting `asset` has it. */
export function assetName({ container, prefix }: AzureAsset): string {
  return prefix === '' ? container : `${container}/${prefix}`;
}

export function byteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** How reports name a place. */
export function addressOf({ container, name }: BlobPlace): string {
  return `az://${container}/${name}`;
}
