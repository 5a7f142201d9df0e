import type { Asset, AssetPage } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import type { GcsClient } from './client.ts';
import { refusalOf } from './failures.ts';
import { bucketPath } from './objects.ts';
import { type Place, quarantineFor, shown } from './place.ts';

/** Where the offer goes on: the folders of one asset, or the buckets of the project. */
interface Cursor {
  /** Index of the asset; that of none: the buckets. */
  readonly asset: number;
  readonly token?: string;
}

/**
 * The assets with the folders at their top, then the other buckets of the project.
 * @throws ConnectorError `permission_denied` when the buckets may not be listed, `configuration` for what is no `next` of ours
 */
export async function assetsOf(
  client: GcsClient,
  place: Place,
  { limit, after }: { readonly limit: number; readonly after?: string },
  signal: AbortSignal,
): Promise<AssetPage> {
  const cursor = after === undefined ? { asset: 0 } : parsed(after);
  const asset = place.assets[cursor.asset];
  const { assets, token } =
    asset === undefined
      ? await bucketsAfter(client, place, limit, cursor.token, signal)
      : await foldersAfter(client, place, cursor, limit, signal);
  if (token !== undefined) return { assets, next: JSON.stringify({ asset: cursor.asset, token }) };
  if (asset === undefined) return { assets };
  const next = cursor.asset + 1;
  const more = next < place.assets.length || (await client.login.project()) !== undefined;
  return { assets, ...(more && { next: JSON.stringify({ asset: next }) }) };
}

interface Offer {
  readonly assets: Asset[];
  readonly token?: string | undefined;
}

async function foldersAfter(
  client: GcsClient,
  place: Place,
  cursor: Cursor,
  limit: number,
  signal: AbortSignal,
): Promise<Offer> {
  const asset = place.assets[cursor.asset] as Place['assets'][number];
  const { bucket, prefix } = asset;
  const first = cursor.token === undefined;
  const itself = first ? [{ asset: shown(asset), detail: 'the asset' }] : [];
  // A page of folders is never smaller than one: an asset that fills the limit alone is followed by its folders.
  if (first && limit === 1) return { assets: itself, token: '' };
  const query = {
    delimiter: '/',
    maxResults: limit - itself.length,
    fields: 'nextPageToken,prefixes',
    prefix: prefix === '' ? undefined : prefix,
    pageToken: cursor.token === '' ? undefined : cursor.token,
  };
  const call = { method: 'GET', path: `${bucketPath(bucket)}/o`, query, about: { doing: 'listing', bucket } } as const;
  const page = await client.json<{ prefixes?: string[]; nextPageToken?: string }>(call, signal);
  const hidden = quarantineFor(place, bucket);
  const folders = (page.prefixes ?? [])
    .filter((folder) => hidden.bucket !== bucket || folder !== hidden.prefix)
    .map((folder) => ({ asset: `${bucket}/${folder}`, detail: 'a folder' }));
  return { assets: [...itself, ...folders], token: page.nextPageToken };
}

async function bucketsAfter(
  client: GcsClient,
  place: Place,
  limit: number,
  pageToken: string | undefined,
  signal: AbortSignal,
): Promise<Offer> {
  const project = await client.login.project();
  if (project === undefined) return { assets: [] };
  const query = { project, maxResults: limit, pageToken, fields: 'nextPageToken,items(name,location)' };
  const call = { method: 'GET', path: '/storage/v1/b', query, about: { doing: 'listing the buckets of' } } as const;
  try {
    const page = await client.json<{ items?: { name: string; location?: string }[]; nextPageToken?: string }>(
      call,
      signal,
    );
    const whole = new Set(place.assets.filter(({ prefix }) => prefix === '').map(({ bucket }) => bucket));
    const assets = (page.items ?? [])
      .filter(({ name }) => !whole.has(name))
      .map(({ name, location }) => ({
        asset: name,
        detail: `a bucket${location === undefined ? '' : ` in ${location}`}`,
      }));
    return { assets, token: page.nextPageToken };
  } catch (error) {
    if (refusalOf(error)?.status !== 403) throw error;
    const text = `the buckets of project ${project} may not be listed: storage.buckets.list is missing (roles/storage.bucketViewer)`;
    throw new ConnectorError('permission_denied', text, { cause: error });
  }
}

function parsed(after: string): Cursor {
  try {
    const { asset, token } = JSON.parse(after) as { asset?: unknown; token?: unknown };
    if (typeof asset === 'number' && asset >= 0) return { asset, ...(typeof token === 'string' && { token }) };
  } catch {
    // Told below.
  }
  throw new ConnectorError('configuration', `${JSON.stringify(after.slice(0, 100))} is no place in an offer of assets`);
}
