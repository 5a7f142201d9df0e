import { type BucketPlace, placeAbove } from '../../domain/bucket-place.ts';
import type { ItemRef } from '../../domain/item.ts';
import { type LedgerBucket, ledgerPrefixIn } from '../../domain/ledger-place.ts';
import { ConnectorError } from '../errors.ts';
import { DEFAULT_QUARANTINE, type GcsSettings } from './settings.ts';

/** One object, whatever its generation. Keys are exact: nothing in them is decoded, trimmed or normalised. */
export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
}

/** A stretch of a bucket: every key that begins with the prefix, which is empty or ends with `/`. */
export interface Stretch {
  readonly bucket: string;
  readonly prefix: string;
}

/** Where the items of a connector lie, and where its quarantine. */
export interface Place {
  readonly id: string;
  /** In the byte order of `bucket/prefix`, so that listing one after the other is in the byte order of locations. */
  readonly assets: readonly Stretch[];
  /** Without a bucket it lies in the item's own. */
  readonly quarantine: { readonly bucket?: string; readonly prefix: string };
  /** Where our own ledger lies. */
  readonly ledger?: LedgerBucket;
  /** Quarantines that are not this connector's own, or not the one of this scan. */
  readonly reserved?: readonly BucketPlace[];
}

/** @throws ConnectorError `configuration` for assets that lie within each other, or within quarantine */
export function placeOf(settings: GcsSettings): Place {
  const assets = settings.assets.map(stretchOf).sort((a, b) => Buffer.compare(wholeOf(a), wholeOf(b)));
  const wrong = (text: string) => new ConnectorError('configuration', `connector ${settings.id}: ${text}`);
  if (assets.length === 0) throw wrong('there is no asset; name a bucket');
  const quarantine = quarantineOf(settings.quarantine ?? DEFAULT_QUARANTINE);
  if (quarantine === undefined) {
    throw wrong(`quarantine ${settings.quarantine} must be a prefix of the item's bucket, or gs://bucket/prefix`);
  }
  const place: Place = {
    id: settings.id,
    assets,
    quarantine,
    ...(settings.ledger !== undefined && { ledger: settings.ledger }),
    ...(settings.reserved !== undefined && { reserved: settings.reserved }),
  };
  for (const [index, asset] of assets.entries()) {
    const next = assets[index + 1];
    if (next !== undefined && next.bucket === asset.bucket && next.prefix.startsWith(asset.prefix)) {
      throw wrong(`asset ${shown(next)} lies within asset ${shown(asset)}; keep one of them`);
    }
    const area = quarantineFor(place, asset.bucket);
    if (area.bucket === asset.bucket && asset.prefix.startsWith(area.prefix)) {
      throw wrong(`asset ${shown(asset)} lies within quarantine, which is never scanned; name another quarantine`);
    }
    const ledger = ledgerIn(place, asset.bucket);
    if (ledger !== undefined && asset.prefix.startsWith(ledger)) {
      throw wrong(`asset ${shown(asset)} lies within the ledger; give the ledger a folder or bucket of its own`);
    }
    const held = ledgerIn(place, area.bucket);
    if (held !== undefined && (area.prefix.startsWith(held) || held.startsWith(area.prefix))) {
      const where = shown({ bucket: area.bucket, prefix: held });
      throw wrong(`quarantine ${shown(area)} and the ledger at ${where} overlap; name another quarantine`);
    }
  }
  return place;
}

/** `bucket` or `bucket/prefix` in its two parts; a prefix ends with `/`. */
function stretchOf(asset: string): Stretch {
  const cut = asset.indexOf('/');
  if (cut === -1) return { bucket: asset, prefix: '' };
  const prefix = asset.slice(cut + 1);
  return { bucket: asset.slice(0, cut), prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}

/** The parts of a quarantine setting, which may be a whole bucket; undefined for one that names nothing. */
function quarantineOf(setting: string): Place['quarantine'] | undefined {
  const [, bucket, path = ''] = /^gs:\/\/([^/]+)(?:\/(.*))?$/s.exec(setting) ?? [];
  const prefix = (bucket === undefined ? setting.replace(/^\/+/, '') : path).replace(/\/+$/, '');
  if (bucket !== undefined && prefix === '') return { bucket, prefix };
  if (prefix === '' || (bucket === undefined && /^[a-z0-9]+:\/\//i.test(setting))) return undefined;
  return { ...(bucket !== undefined && { bucket }), prefix: `${prefix}/` };
}

/** The quarantine of items in this bucket. */
export function quarantineFor(place: Place, bucket: string): Stretch {
  return { bucket: place.quarantine.bucket ?? bucket, prefix: place.quarantine.prefix };
}

/** The prefix, quarantine or our ledger, below which an object lies that is never an item; undefined: none. */
export function hiddenAbove(place: Place, { bucket, key }: ObjectName): string | undefined {
  const area = quarantineFor(place, bucket);
  const prefixes = [ledgerIn(place, bucket), area.bucket === bucket ? area.prefix : undefined];
  const found = prefixes.find((prefix) => prefix !== undefined && key.startsWith(prefix));
  return found ?? placeAbove(place.reserved, bucket, key);
}

function ledgerIn(place: Place, bucket: string): string | undefined {
  return ledgerPrefixIn(place.ledger, { kind: 'gs', bucket });
}

/** The location of an object of an asset: relative to the only asset, or with its bucket where there are several. */
export function locationOf(place: Place, asset: Stretch, key: string): string {
  return place.assets.length === 1 ? key.slice(asset.prefix.length) : `${asset.bucket}/${key}`;
}

/**
 * The object that a location names.
 * @throws ConnectorError `not_an_item` for one outside the assets or in quarantine
 */
export function objectAt(place: Place, ref: ItemRef): ObjectName {
  const { location } = ref;
  const refuse = (why: string) => new ConnectorError('not_an_item', `${JSON.stringify(location)} ${why}`);
  if (ref.locationBytes !== undefined || !location.isWellFormed())
    throw refuse('is no name that this storage can hold');
  const [only] = place.assets;
  let found: ObjectName | undefined;
  if (place.assets.length === 1 && only !== undefined) {
    if (location !== '') found = { bucket: only.bucket, key: only.prefix + location };
  } else {
    const asset = place.assets.find((one) => location.startsWith(shown(one)));
    if (asset !== undefined) found = { bucket: asset.bucket, key: location.slice(asset.bucket.length + 1) };
    if (asset !== undefined && found?.key === asset.prefix) found = undefined;
  }
  if (found === undefined) throw refuse('is no location inside the asset');
  // The service has no objects of these names, and an address that ends so is another one.
  if (found.key === '.' || found.key === '..') throw refuse('is no name that this storage can hold');
  if (hiddenAbove(place, found) !== undefined) throw refuse('lies in quarantine, or in our ledger');
  return found;
}

/** `bucket/prefix`. */
export function shown({ bucket, prefix }: Stretch): string {
  return `${bucket}/${prefix}`;
}

/** `gs://bucket/key`. */
export function urlOf({ bucket, key }: ObjectName): string {
  return `gs://${bucket}/${key}`;
}

function wholeOf(stretch: Stretch): Buffer {
  return Buffer.from(shown(stretch), 'utf8');
}
