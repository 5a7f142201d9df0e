import type { Asset, AssetPage } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import type { GcsClient } from './client.ts';
import { refusalOf } from './failures.ts';
import { bucketPath } from './objects.ts';
import { hiddenAbove, type Place, type Stretch, shown } from './place.ts';

/** Where the offer goes on: the folders of one asset, or the buckets of the project. */
interface Cursor {
  /** Index of the asset; that of none: the buckets. */
  readonly asset: number;
  /** Folders from here on, in the service's order. Absent: the asset itself comes first. */
  readonly from?: string;
  /** A page of the service. */
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
  if (asset === undefined) {
    const { assets, next } = await bucketsAfter(client, place, cursor, limit, signal);
    return { assets, ...(next !== undefined && { next: JSON.stringify(next) }) };
  }
  const { assets, next } = await foldersAfter(client, place, asset, cursor, limit, signal);
  if (next !== undefined) return { assets, next: JSON.stringify(next) };
  const following = cursor.asset + 1;
  const more = following < place.assets.length || (await client.login.project()) !== undefined;
  return { assets, ...(more && { next: JSON.stringify({ asset: following }) }) };
}

interface Offer {
  readonly assets: Asset[];
  readonly next?: Cursor | undefined;
}

/** What the service gives at most in one answer, files at the top counted with the folders. */
const PAGE = 1_000;
/** An offer that has met so many pages of files alone ends, and goes on with its next page. */
const MOST_REQUESTS = 10;

async function foldersAfter(
  client: GcsClient,
  place: Place,
  asset: Stretch,
  cursor: Cursor,
  limit: number,
  signal: AbortSignal,
): Promise<Offer> {
  const { bucket, prefix } = asset;
  const { from = '' } = cursor;
  const itself = cursor.from === undefined ? [{ asset: shown(asset), detail: 'the asset' }] : [];
  const folders: string[] = [];
  let pageToken = cursor.token;
  for (let request = 0; request < MOST_REQUESTS && itself.length + folders.length < limit; request++) {
    const query = {
      delimiter: '/',
      maxResults: PAGE,
      fields: 'nextPageToken,prefixes',
      prefix: prefix === '' ? undefined : prefix,
      startOffset: from === '' ? undefined : from,
      pageToken,
    };
    const call = {
      method: 'GET',
      path: `${bucketPath(bucket)}/o`,
      query,
      about: { doing: 'listing', bucket },
    } as const;
    const page = await client.json<{ prefixes?: string[]; nextPageToken?: string }>(call, signal);
    folders.push(
      ...(page.prefixes ?? []).filter((folder) => hiddenAbove(place, { bucket, key: folder }) === undefined),
    );
    pageToken = page.nextPageToken;
    if (pageToken === undefined) break;
  }
  const given = folders.slice(0, limit - itself.length);
  const assets = [...itself, ...given.map((folder) => ({ asset: `${bucket}/${folder}`, detail: 'a folder' }))];
  if (itself.length + folders.length < limit && pageToken === undefined) return { assets };
  if (given.length === folders.length && pageToken !== undefined) {
    return { assets, next: { asset: cursor.asset, from, token: pageToken } };
  }
  // `0` is the sign behind `/`: this is behind everything in the last folder given.
  const last = given.at(-1);
  return { assets, next: { asset: cursor.asset, from: last === undefined ? from : `${last.slice(0, -1)}0` } };
}

async function bucketsAfter(
  client: GcsClient,
  place: Place,
  { asset, token: pageToken }: Cursor,
  limit: number,
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
      .filter(({ name }) => !whole.has(name) && hiddenAbove(place, { bucket: name, key: '' }) === undefined)
      .map(({ name, location }) => ({
        asset: name,
        detail: `a bucket${location === undefined ? '' : ` in ${location}`}`,
      }));
    return { assets, ...(page.nextPageToken !== undefined && { next: { asset, token: page.nextPageToken } }) };
  } catch (error) {
    if (refusalOf(error)?.status !== 403) throw error;
    const text = `the buckets of project ${project} may not be listed: storage.buckets.list is missing (roles/storage.bucketViewer)`;
    throw new ConnectorError('permission_denied', text, { cause: error });
  }
}

function parsed(after: string): Cursor {
  try {
    const { asset, from, token } = JSON.parse(after) as Record<string, unknown>;
    if (typeof asset === 'number' && asset >= 0) {
      return { asset, ...(typeof from === 'string' && { from }), ...(typeof token === 'string' && { token }) };
    }
  } catch {
    // Told below.
  }
  throw new ConnectorError('configuration', `${JSON.stringify(after.slice(0, 100))} is no place in an offer of assets`);
}
