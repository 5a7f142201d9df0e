import type { Drive } from './drive.ts';
import { GraphFailure, type Reply } from './http.ts';

export interface Site {
  /** `host,guid,guid`. */
  readonly id: string;
  /** Path on the host, with a `/` before it; '' is the root site. */
  readonly path: string;
  readonly name: string;
  readonly webUrl: string;
  /** The first one is the default library. */
  readonly drives: Drive[];
}

export interface User {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly drive: Drive;
}

export function newSite(host: string, path: string, name: string): Site {
  const id = `${host},${crypto.randomUUID()},${crypto.randomUUID()}`;
  return { id, path, name, webUrl: `https://${host}${encodeURI(path)}`, drives: [] };
}

export const siteJson = ({ id, name, webUrl, path }: Site) => ({
  id,
  name: path.split('/').at(-1) ?? '',
  displayName: name,
  webUrl,
  ...(path === '' && { root: {} }),
});

export const driveJson = ({ id, name, webUrl, kind }: Drive) => ({ id, name, webUrl, driveType: kind });

/** Answers about sites and their libraries. `may` says whether the caller may see a site at all. */
export class Sites {
  readonly all: Site[] = [];
  readonly host: string;
  /** Entries of a page where `$top` asks for no fewer. */
  pageSize = 200;

  constructor(host: string) {
    this.host = host;
  }

  /** `rest`: the path behind `/sites`, decoded one part at a time. @throws GraphFailure */
  answer(rest: string, query: URLSearchParams, may: (site: Site) => boolean, origin: string): Reply {
    if (rest === '' || rest === '/getAllSites') {
      const wanted = query.get('search')?.replace(/\*/g, '').toLowerCase() ?? '';
      const seen = this.all.filter((site) => may(site) && site.name.toLowerCase().includes(wanted));
      return this.#page(seen.map(siteJson), query, `${origin}/v1.0/sites${rest}`);
    }
    const { site, below } = this.#find(rest);
    if (!may(site)) throw new GraphFailure(403, 'accessDenied', 'Access denied');
    const base = `${origin}/v1.0/sites/${encodeURIComponent(site.id)}${below}`;
    if (below === '') return { status: 200, body: siteJson(site) };
    if (below === '/drives') return this.#page(site.drives.map(driveJson), query, base);
    if (below === '/sites') {
      const children = this.all.filter(
        ({ path }) => path.startsWith(`${site.path}/`) && path !== site.path && may(site),
      );
      return this.#page(children.map(siteJson), query, base);
    }
    throw new GraphFailure(400, 'BadRequest', `Resource not found for the segment '${below.slice(1)}'.`);
  }

  /** `/root`, `/ID`, `/HOST`, `/HOST:/PATH`, each with more behind it; behind a path that is `:/more`. */
  #find(rest: string): { site: Site; below: string } {
    const [, host, path, below] = /^\/([^/:,]+):\/([^:]*?)\/*(?::(\/.*))?$/.exec(rest) ?? [];
    if (host !== undefined) {
      const wanted = path === '' ? '' : `/${path}`;
      const site = host.toLowerCase() === this.host ? this.all.find((one) => sameText(one.path, wanted)) : undefined;
      if (site === undefined) throw new GraphFailure(404, 'itemNotFound', 'Requested site could not be found');
      return { site, below: below ?? '' };
    }
    const [, id = '', more = ''] = /^\/([^/]+)(\/.*)?$/.exec(rest) ?? [];
    const isRoot = id === 'root' || id.toLowerCase() === this.host;
    const site = this.all.find((one) => (isRoot ? one.path === '' : one.id === id));
    if (site === undefined) throw new GraphFailure(404, 'itemNotFound', 'Requested site could not be found');
    return { site, below: more };
  }

  #page(entries: readonly object[], query: URLSearchParams, base: string): Reply {
    const { value, next } = pageOf(entries, query, this.pageSize);
    return { status: 200, body: { value, ...(next && { '@odata.nextLink': `${base}?${next}` }) } };
  }
}

/** The entries of a page, and the query of the next one: whatever was asked, with a `$skiptoken`. */
export function pageOf<T>(
  entries: readonly T[],
  query: URLSearchParams,
  most: number,
): { readonly value: readonly T[]; readonly next?: string } {
  const start = Number(Buffer.from(query.get('$skiptoken') ?? '', 'base64url').toString() || 0);
  const end = start + Math.min(Number(query.get('$top') ?? most) || most, most);
  const value = entries.slice(start, end);
  if (end >= entries.length) return { value };
  const next = new URLSearchParams(query);
  next.set('$skiptoken', Buffer.from(String(end)).toString('base64url'));
  return { value, next: next.toString() };
}

function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
