import { AssetUrlError, addressOf, COPY, checked, namesOf, parametersOf } from './asset-address.ts';

export { AssetUrlError } from './asset-address.ts';

/** One reading of an address: a site, a library of it, and a folder in that library. */
export interface SiteReading {
  /** Path of the site on its host, decoded, with a `/` before it and none at its end; '' is the root site. */
  readonly site: string;
  /** The library as the address names it, decoded. Absent: the site's default library. */
  readonly library?: string;
  /** Folders of the library with `/` between them, decoded; '' is the whole library. */
  readonly folder: string;
}

/** Where an address leads. */
export interface SitePlace {
  /** Host of the site, lower case, with its port if it has one. */
  readonly host: string;
  /** Readings in the order to try: the first whose site and library are there is right. At least one. */
  readonly readings: readonly SiteReading[];
}

/** Paths below which every name is a site. */
const MANAGED = new Set(['sites', 'teams', 'personal', 'portals']);
/** What the address of a default library ends with where the site was made in English. No site can have this name. */
const DEFAULT_LIBRARY = 'shared documents';

/**
 * Reads the address of a site, library or folder in any form that a browser or SharePoint gives it. Whatever is
 * percent-encoded is decoded once. Without `https://` an address begins with its host.
 * @throws AssetUrlError
 */
export function parseAssetUrl(input: string): SitePlace {
  const url = addressOf(input.trim());
  const host = url.host.toLowerCase();
  const { id, list } = parametersOf(url);
  if (id !== undefined && list !== undefined) return inList(host, id, list);
  const names = id === undefined ? directNames(namesOf(url.pathname)) : id;
  refuseHost(host);
  return { host, readings: readingsOf(names) };
}

/** Names of folders with `/` between them, as they are: nothing is decoded. @throws AssetUrlError `bad_path` */
export function parseFolder(input: string): string {
  return checked(input.split('/').filter((name) => name !== '')).join('/');
}

/** The address of a reading, which reads as that place again. A reading with a folder must have a library. */
export function writeAssetUrl(host: string, { site, library, folder }: SiteReading): string {
  const names = [...site.split('/'), library ?? '', ...folder.split('/')].filter((name) => name !== '');
  return `https://${host}${names.map((name) => `/${encodeURIComponent(name)}`).join('')}`;
}

function inList(pageHost: string, id: readonly string[], list: URL): SitePlace {
  const library = namesOf(list.pathname);
  const isWithin = library.length > 0 && library.every((name, i) => same(name, id[i]));
  if (!isWithin)
    throw new AssetUrlError('bad_path', `names a folder (id) that is not in its library (listurl); ${COPY}`);
  const host = list.host === '' ? pageHost : list.host.toLowerCase();
  refuseHost(host);
  const reading = { site: joined(library.slice(0, -1)), library: library.at(-1) as string };
  return { host, readings: [{ ...reading, folder: id.slice(library.length).join('/') }] };
}

/** Without `/:f:/r`, which only says what kind of thing follows. */
function directNames(names: readonly string[]): readonly string[] {
  const [kind = '', how] = names;
  const isGuest = /^guestaccess\.aspx$/i.test(names.at(-1) ?? '');
  if (isGuest || (/^:[a-z]:$/i.test(kind) && how?.toLowerCase() !== 'r')) {
    throw new AssetUrlError('sharing_link', `is a sharing link, which tells no path; ${COPY}`);
  }
  return /^:[a-z]:$/i.test(kind) ? names.slice(2) : names;
}

function readingsOf(all: readonly string[]): SiteReading[] {
  const isManaged = MANAGED.has(all[0]?.toLowerCase() ?? '');
  const [head, below] = isManaged ? [all.slice(0, 2), all.slice(2)] : [[], all];
  if (isManaged && head.length < 2) throw new AssetUrlError('not_a_library', `names no site; ${COPY}`);
  const page = below.at(-1)?.toLowerCase().endsWith('.aspx') ? below.at(-2)?.toLowerCase() : undefined;
  // What a personal site shows first is its one library.
  if (/^_layouts\/\d+\/onedrive\.aspx$/i.test(below.join('/'))) return [{ site: joined(head), folder: '' }];
  if (below.some((name) => /^_(layouts|api|vti_\w+)$/i.test(name))) {
    throw new AssetUrlError('not_a_library', `is a page of SharePoint, and no library or folder; ${COPY}`);
  }
  if (same('lists', below[0]) && below.length > 1) {
    throw new AssetUrlError('not_a_library', 'is a list, and no library: only files in libraries are scanned');
  }
  // The start page of a site stands for the site; a view of a library for the library.
  if (page === 'sitepages') return [{ site: joined([...head, ...below.slice(0, -2)]), folder: '' }];
  const names = page === 'forms' ? below.slice(0, -2) : below;
  const readings: SiteReading[] = [];
  for (const [i, library] of names.entries()) {
    readings.push({ site: joined([...head, ...names.slice(0, i)]), library, folder: names.slice(i + 1).join('/') });
    if (same(DEFAULT_LIBRARY, library)) return readings;
  }
  // A view is of a library, so that it can't be a site's own address.
  if (page !== 'forms' || names.length === 0) readings.push({ site: joined([...head, ...names]), folder: '' });
  return readings;
}

function refuseHost(host: string): void {
  if (/(^|\.)(1drv\.ms|onedrive\.live\.com)$/.test(host)) {
    throw new AssetUrlError('not_an_address', 'leads to a personal OneDrive, which is not supported');
  }
  if (/(^|\.)teams\.(microsoft\.\w+|cloud\.microsoft)$/.test(host)) {
    throw new AssetUrlError(
      'not_an_address',
      `leads into Teams: open the channel's files in SharePoint and copy the address from there`,
    );
  }
  if (/-admin\.sharepoint(-mil)?\.\w+$/.test(host)) {
    throw new AssetUrlError('not_an_address', `leads to the admin centre; ${COPY}`);
  }
}

function joined(names: readonly string[]): string {
  return names.map((name) => `/${name}`).join('');
}

function same(a: string, b: string | undefined): boolean {
  return a.toLowerCase() === b?.toLowerCase();
}
