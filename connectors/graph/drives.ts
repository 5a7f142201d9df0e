import { z } from 'zod';
import { ConnectorError } from '../errors.ts';
import type { SitePlace, SiteReading } from './asset-url.ts';
import type { GraphClient } from './client.ts';
import { readAs } from './drive-item.ts';
import { encoded, folderNames, isName, isWithin, sameName } from './names.ts';
import { type Drive, expectFolder } from './places.ts';
import type { OnedriveSettings, SharepointSettings } from './settings.ts';

export const DEFAULT_QUARANTINE = 'dsxconnect-quarantine';

export type GraphSettings =
  | ({ readonly kind: 'sharepoint' } & SharepointSettings)
  | ({ readonly kind: 'onedrive' } & OnedriveSettings);

const SITE = z.object({ id: z.string().min(1), webUrl: z.string().optional() });
const DRIVE = z.object({ id: z.string().min(1), name: z.string().optional(), webUrl: z.string().optional() });
const DRIVES = z.object({ value: z.array(DRIVE), '@odata.nextLink': z.string().optional() });
export type SiteFacts = z.infer<typeof SITE>;
export type DriveFacts = z.infer<typeof DRIVE>;

/**
 * The drives of these settings.
 * @throws ConnectorError `configuration` for a site, library or user that is not there, and for a quarantine folder that would
 *   hide the asset
 */
export async function findDrives(client: GraphClient, settings: GraphSettings, signal: AbortSignal): Promise<Drive[]> {
  const quarantine = folderNames(settings.quarantine ?? DEFAULT_QUARANTINE);
  const found =
    settings.kind === 'sharepoint'
      ? [await libraryOf(client, settings.place, signal)]
      : await Promise.all(settings.users.map((user) => driveOf(client, user, settings, signal)));
  const drives = found.map((drive) => ({ ...drive, quarantine }));
  for (const drive of drives) {
    if (quarantine.length === 0 || !quarantine.every(isName) || isWithin(drive.folder, quarantine)) {
      const message = `quarantine ${quarantine.join('/') || '/'} must be a folder that is neither the asset nor above it: everything below it is left out of scans`;
      throw new ConnectorError('configuration', message);
    }
    await expectFolder(client, drive, signal);
  }
  return drives;
}

type Found = Omit<Drive, 'quarantine'>;

async function driveOf(
  client: GraphClient,
  user: string,
  { users, folder }: OnedriveSettings,
  signal: AbortSignal,
): Promise<Found> {
  const doing = `finding the drive of ${user}`;
  const path = `/users/${encoded(user)}/drive`;
  const { body } = await client.ask({ path, doing, about: 'drive' }, signal);
  const { id } = readAs(DRIVE, body, doing);
  return { id, name: `drive of ${user}`, prefix: users.length === 1 ? '' : `${user}/`, folder: folderNames(folder) };
}

/** The first reading of the address whose site and library are there, and open to the application. */
async function libraryOf(client: GraphClient, place: SitePlace, signal: AbortSignal): Promise<Found> {
  const tried: string[] = [];
  let refused: ConnectorError | undefined;
  for (const reading of place.readings) {
    const { site, library } = reading;
    tried.push(`site ${place.host}${site || '/'}${library === undefined ? '' : `, library ${library}`}`);
    try {
      const there = await siteAt(client, place.host, site, signal);
      const found = there && (await libraryIn(client, there.id, reading, signal));
      if (found === undefined) continue;
      const name = `${found.name ?? 'library'} of ${place.host}${site}`;
      return { id: found.id, name, prefix: '', folder: folderNames(reading.folder) };
    } catch (error) {
      // A site that is not ours to see may be one that another reading of the address does not mean.
      if (!(error instanceof ConnectorError) || error.code !== 'configuration') throw error;
      refused ??= error;
    }
  }
  if (refused !== undefined) throw refused;
  const message = `no library is there by any reading of the asset (${tried.join('; ')})`;
  throw new ConnectorError('configuration', `${message}; check the address, and what the application was granted`);
}

/** Undefined where there is none. The root site of a host has no path. */
export async function siteAt(
  client: GraphClient,
  host: string,
  site: string,
  signal: AbortSignal,
): Promise<SiteFacts | undefined> {
  const names = folderNames(site);
  const path = `/sites/${encoded(host)}${names.length === 0 ? '' : `:/${names.map(encoded).join('/')}`}`;
  const doing = `finding the site ${host}${site}`;
  const { status, body } = await client.ask({ path, doing, about: 'drive', accept: [404] }, signal);
  return status === 404 ? undefined : readAs(SITE, body, doing);
}

async function libraryIn(
  client: GraphClient,
  site: string,
  { library }: SiteReading,
  signal: AbortSignal,
): Promise<DriveFacts | undefined> {
  if (library === undefined) {
    const doing = 'finding the default library of the site';
    const path = `/sites/${encodeURIComponent(site)}/drive`;
    const { status, body } = await client.ask({ path, doing, about: 'drive', accept: [404] }, signal);
    return status === 404 ? undefined : readAs(DRIVE, body, doing);
  }
  const named = (drive: DriveFacts) =>
    (drive.name !== undefined && sameName(drive.name, library)) || sameName(lastName(drive.webUrl), library);
  for await (const drives of librariesOf(client, site, signal)) {
    const found = drives.find(named);
    if (found) return found;
  }
  return undefined;
}

/** The libraries of a site, page by page. */
export async function* librariesOf(
  client: GraphClient,
  site: string,
  signal: AbortSignal,
): AsyncIterable<DriveFacts[]> {
  const doing = 'listing the libraries of the site';
  for (let path: string | undefined = `/sites/${encodeURIComponent(site)}/drives`; path !== undefined; ) {
    const { body } = await client.ask({ path, doing, about: 'drive' }, signal);
    const page = readAs(DRIVES, body, doing);
    yield page.value;
    const next = page['@odata.nextLink'];
    path = next === undefined ? undefined : client.below(next);
  }
}

/** What the address of a library ends with: `Shared Documents`, whatever language its name has. */
function lastName(webUrl: string | undefined): string {
  const last = webUrl?.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
