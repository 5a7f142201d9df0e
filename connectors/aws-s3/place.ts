import type { ItemRef } from '../../domain/item.ts';
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
  /** The part of this bucket that is never listed or opened. */
  hiddenIn(bucket: string): string | undefined;
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
  const prefix = fixed === undefined ? `${text.replace(/^\/+|\/+$/g, '')}/` : '';
  const quarantineOf = (bucket: string): Area => fixed ?? { bucket, prefix };
  const hiddenIn = (bucket: string): string | undefined => {
    const area = quarantineOf(bucket);
    return area.bucket === bucket ? area.prefix : undefined;
  };
  for (const area of areas) {
    const hidden = hiddenIn(area.bucket);
    if (hidden === undefined || !area.prefix.startsWith(hidden)) continue;
    throw new ConnectorError('configuration', `quarantine ${text} holds the asset ${nameOf(area)}: name another place`);
  }
  return {
    areas,
    quarantineOf,
    hiddenIn,
    locationOf: (area, key) => (single ? key.slice(area.prefix.length) : `${area.bucket}/${key}`),
    spotOf(ref) {
      const { location } = ref;
      const spot = single && areas[0] ? inside(areas[0], location) : whole(areas, location);
      const hidden = spot && hiddenIn(spot.bucket);
      const isHidden = hidden !== undefined && spot?.key.startsWith(hidden);
      if (spot && !isHidden && ref.locationBytes === undefined && location.isWellFormed()) return spot;
      const why = isHidden ? 'lies in quarantine' : 'is no location within the asset';
      throw new ConnectorError('not_an_item', `${JSON.stringify(location)} ${why}`);
    },
  };
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
