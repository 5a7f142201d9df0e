import { z } from 'zod';
import type { Asset, AssetPage } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import type { GraphClient } from './client.ts';
import { readAs } from './drive-item.ts';
import { type DriveFacts, librariesOf, type SiteFacts, siteAt } from './drives.ts';
import { encoded, pathAddress } from './names.ts';
import type { OnedriveSettings, SharepointSettings } from './settings.ts';

const CHILDREN = z.object({
  value: z.array(z.object({ name: z.string(), folder: z.looseObject({}).nullish() })),
  '@odata.nextLink': z.string().optional(),
});
const SITES = z.object({
  value: z.array(z.object({ id: z.string().min(1), webUrl: z.string().optional() })),
  '@odata.nextLink': z.string().optional(),
});
const ALL_SITES = '/sites/getAllSites';

/** Where a walk over assets goes on: page of sites, site of it, drive of that, page of its folders, folder of that. */
const CURSOR = z.strictObject({
  sites: z.string().optional(),
  site: z.number().int().min(0),
  drive: z.number().int().min(0),
  folders: z.string().optional(),
  folder: z.number().int().min(0),
});
type Cursor = z.infer<typeof CURSOR>;

interface Query {
  readonly limit: number;
  readonly after?: string;
}

/** Libraries, and the folders at their top: of every site that the application may see all of, else of the connector's own. */
export async function libraryAssets(
  client: GraphClient,
  { place }: SharepointSettings,
  query: Query,
  signal: AbortSignal,
): Promise<AssetPage> {
  const drivesAt = async (cursor: Cursor): Promise<Step | undefined> => {
    const { sites, next } = await sitesAt(client, place, cursor.sites, signal);
    const site = sites[cursor.site];
    if (site === undefined) return next === undefined ? undefined : { on: { ...START, sites: next } };
    const drives: DriveFacts[] = [];
    for await (const page of librariesOf(client, site.id, signal)) drives.push(...page);
    const drive = drives[cursor.drive];
    if (drive === undefined)
      return { on: { ...START, ...(cursor.sites && { sites: cursor.sites }), site: cursor.site + 1 } };
    const asset = drive.webUrl ?? '';
    return {
      drive: drive.id,
      asset,
      detail: `library ${drive.name ?? ''}`,
      below: (name) => `${asset}/${encoded(name)}`,
    };
  };
  return walk(client, drivesAt, query, signal);
}

/** The drives of the configured users, and the folders at their top. */
export async function userAssets(
  client: GraphClient,
  { users }: OnedriveSettings,
  query: Query,
  signal: AbortSignal,
): Promise<AssetPage> {
  const drivesAt = async (cursor: Cursor): Promise<Step | undefined> => {
    const user = users[cursor.drive];
    if (user === undefined) return undefined;
    const doing = `finding the drive of ${user}`;
    const { body } = await client.ask({ path: `/users/${encoded(user)}/drive`, doing, about: 'drive' }, signal);
    const { id } = readAs(z.object({ id: z.string() }), body, doing);
    return { drive: id, asset: '/', detail: `drive of ${user}`, below: (name) => `/${name}` };
  };
  return walk(client, drivesAt, query, signal);
}

/** A drive in hand, or where to look for the next one. */
type Step =
  | { readonly on: Cursor }
  | {
      readonly drive: string;
      readonly asset: string;
      readonly detail: string;
      readonly below: (name: string) => string;
    };

const START: Cursor = { site: 0, drive: 0, folder: 0 };

async function walk(
  client: GraphClient,
  drivesAt: (cursor: Cursor) => Promise<Step | undefined>,
  { limit, after }: Query,
  signal: AbortSignal,
): Promise<AssetPage> {
  const assets: Asset[] = [];
  let cursor = after === undefined ? START : cursorOf(after);
  while (assets.length < limit) {
    const step = await drivesAt(cursor);
    if (step === undefined) return { assets };
    if ('on' in step) {
      cursor = step.on;
      continue;
    }
    const { folders, ...itself } = cursor;
    if (folders === undefined) {
      assets.push({ asset: step.asset, detail: step.detail });
      const query = `$select=name,folder&$top=200`;
      cursor = { ...itself, folders: `${pathAddress(step.drive, [], 'children')}?${query}` };
      continue;
    }
    const doing = `listing the folders of the ${step.detail}`;
    const { body } = await client.ask({ path: folders, doing, about: 'drive' }, signal);
    const page = readAs(CHILDREN, body, doing);
    const left = page.value.slice(cursor.folder);
    const taken = takeFolders(left, limit - assets.length);
    for (const { name } of taken.folders)
      assets.push({ asset: step.below(name), detail: `folder of the ${step.detail}` });
    const next = page['@odata.nextLink'];
    if (taken.seen < left.length) cursor = { ...cursor, folder: cursor.folder + taken.seen };
    else if (next !== undefined) cursor = { ...cursor, folders: client.below(next), folder: 0 };
    else cursor = { ...itself, drive: itself.drive + 1, folder: 0 };
  }
  return { assets, next: Buffer.from(JSON.stringify(cursor)).toString('base64url') };
}

/** The first folders among these entries, and how many entries were looked at. */
function takeFolders<Entry extends { readonly folder?: unknown }>(entries: readonly Entry[], most: number) {
  const folders: Entry[] = [];
  let seen = 0;
  for (const entry of entries) {
    if (folders.length === most) break;
    seen += 1;
    if (entry.folder) folders.push(entry);
  }
  return { folders, seen };
}

async function sitesAt(
  client: GraphClient,
  place: SharepointSettings['place'],
  path: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly sites: readonly SiteFacts[]; readonly next?: string }> {
  const doing = 'listing the sites';
  const question = { path: path ?? ALL_SITES, doing, about: 'drive', accept: [403] } as const;
  const { status, body } = await client.ask(question, signal);
  if (status !== 403) {
    const page = readAs(SITES, body, doing);
    const next = page['@odata.nextLink'];
    return { sites: page.value, ...(next !== undefined && { next: client.below(next) }) };
  }
  // With Sites.Selected the sites that were granted can't be listed: there is the one that is known.
  for (const { site } of place.readings) {
    const own = await siteAt(client, place.host, site, signal);
    if (own) return { sites: [own] };
  }
  throw new ConnectorError(
    'permission_denied',
    'the application may list no sites, and the one of the asset is not there',
  );
}

function cursorOf(after: string): Cursor {
  try {
    return CURSOR.parse(JSON.parse(Buffer.from(after, 'base64url').toString('utf8')));
  } catch (cause) {
    throw new ConnectorError('configuration', `${after.slice(0, 100)} is no place in a list of assets`, { cause });
  }
}
