import { placeAbove } from '../../domain/bucket-place.ts';
import type { ItemRef } from '../../domain/item.ts';
import { ledgerPrefixIn } from '../../domain/ledger-place.ts';
import { ConnectorError } from '../errors.ts';
import { type AwsS3Settings, DEFAULT_QUARANTINE } from './settings.ts';

/** An object by its whole key. */
export interface Spot {
  readonly bucket: string;
  readonly key: string;
}

/** A prefix of a bucket: empty, or with a slash at its end. */
export interface Area {
  readonly bucket: string;
  readonly prefix: string;
}

/** Where items lie and how they are named. */
export interface Place {
  /** In the byte order of `bucket/prefix`. */
  readonly areas: readonly Area[];
  /** Quarantine in this bucket of an item; it may be another bucket. */
  quarantineOf(bucket: string): Area;
  /** The prefix in this bucket, quarantine or our ledger, below which the key lies: nothing there is ever an item. */
  hiddenAbove(spot: Spot): string | undefined;
  locationOf(area: Area, key: string): string;
  /** @throws ConnectorError `not_an_item` for a name that leads outside the assets, or into quarantine */
  spotOf(ref: ItemRef): Spot;
}

/** `bucket`, `bucket/prefix`, also with `s3://` in front. @throws ConnectorError `configuration` */
export function areaOf(text: string): Area {
  const [, bucket, rest = ''] = /^(?:s3:\/\/)?([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])(?:\/(.*))?$/is.exec(text) ?? [];
  if (bucket === undefined || rest.startsWith('/')) {
    const message = `${JSON.stringify(text)} is no bucket and prefix: write bucket or bucket/prefix`;
    throw new ConnectorError('configuration', message);
  }
  return { bucket, prefix: rest === '' || rest.endsWith('/') ? rest : `${rest}/` };
}

/** @throws ConnectorError `configuration` */
export function placeOf(settings: AwsS3Settings): Place {
  const areas = settings.assets.map(areaOf).sort((a, b) => compareBytes(nameOf(a), nameOf(b)));
  const single = areas.length === 1;
  const text = settings.quarantine ?? DEFAULT_QUARANTINE;
  const fixed = text.startsWith('s3://') ? areaOf(text) : undefined;
  const folder = fixed === undefined ? text.replace(/^\/+|\/+$/g, '') : '';
  if (fixed === undefined && folder === '') {
    throw new ConnectorError(
      'configuration',
      'quarantine is empty: name a folder of the bucket, or s3://bucket/prefix',
    );
  }
  const prefix = `${folder}/`;
  const quarantineOf = (bucket: string): Area => fixed ?? { bucket, prefix };
  const ledgerIn = (bucket: string): string | undefined => ledgerPrefixIn(settings.ledger, { kind: 's3', bucket });
  const hiddenIn = (bucket: string): readonly string[] => {
    const area = quarantineOf(bucket);
    const ledger = ledgerIn(bucket);
    return [...(ledger === undefined ? [] : [ledger]), ...(area.bucket === bucket ? [area.prefix] : [])];
  };
  const hiddenAbove = ({ bucket, key }: Spot) =>
    hiddenIn(bucket).find((prefix) => key.startsWith(prefix)) ?? placeAbove(settings.reserved, bucket, key);
  for (const area of areas) {
    refuseLedger(area, ledgerIn(area.bucket));
    const held = quarantineOf(area.bucket);
    refuseLedgerWith(held, ledgerIn(held.bucket));
    if (held.bucket !== area.bucket || !area.prefix.startsWith(held.prefix)) continue;
    throw new ConnectorError('configuration', `quarantine ${text} holds the asset ${nameOf(area)}: name another place`);
  }
  return {
    areas,
    quarantineOf,
    hiddenAbove,
    locationOf: (area, key) => (single ? key.slice(area.prefix.length) : `${area.bucket}/${key}`),
    spotOf(ref) {
      const { location } = ref;
      const spot = single && areas[0] ? inside(areas[0], location) : whole(areas, location);
      const isHidden = spot !== undefined && hiddenAbove(spot) !== undefined;
      if (spot && !isHidden && ref.locationBytes === undefined && location.isWellFormed()) return spot;
      const why = isHidden ? 'lies in quarantine, or in our ledger' : 'is no location within the asset';
      throw new ConnectorError('not_an_item', `${JSON.stringify(location)} ${why}`);
    },
  };
}

/** @throws ConnectorError `configuration` for an asset that has nothing but our ledger */
function refuseLedger(area: Area, ledger: string | undefined): void {
  if (ledger === undefined || !area.prefix.startsWith(ledger)) return;
  const what = `the ledger at ${nameOf({ ...area, prefix: ledger })} holds the asset ${nameOf(area)}`;
  throw new ConnectorError('configuration', `${what}: give the ledger a folder or bucket of its own`);
}

/** @throws ConnectorError `configuration` where moved items would lie among the objects of the ledger, or around them */
function refuseLedgerWith(quarantine: Area, ledger: string | undefined): void {
  if (ledger === undefined) return;
  if (!quarantine.prefix.startsWith(ledger) && !ledger.startsWith(quarantine.prefix)) return;
  const where = nameOf({ ...quarantine, prefix: ledger });
  const message = `quarantine ${nameOf(quarantine)} and the ledger at ${where} overlap: name another quarantine`;
  throw new ConnectorError('configuration', message);
}

/** As a person writes it. */
export function nameOf({ bucket, prefix }: Area): string {
  return `${bucket}/${prefix}`;
}

export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function inside({ bucket, prefix }: Area, location: string): Spot | undefined {
  return location === '' || location.includes('\0') ? undefined : { bucket, key: prefix + location };
}

function whole(areas: readonly Area[], location: string): Spot | undefined {
  const slash = location.indexOf('/');
  const [bucket, key] = [location.slice(0, slash), location.slice(slash + 1)];
  const area = areas.find((one) => one.bucket === bucket && key.startsWith(one.prefix) && key !== one.prefix);
  return area === undefined ? undefined : inside({ bucket, prefix: '' }, key);
}

/**
 * The key of a name in quarantine.
 * @throws ConnectorError `not_an_item` when it would lead out of it
 */
export function quarantineSpot(area: Area, destination: string): Spot {
  const parts = destination.split('/');
  const good = parts.every((part) => part !== '' && part !== '.' && part !== '..') && !destination.includes('\0');
  if (!good) throw new ConnectorError('not_an_item', `${JSON.stringify(destination)} is no name in quarantine`);
  return { bucket: area.bucket, key: area.prefix + destination };
}
