import type { Deltas } from './delta.ts';
import { type Drive, notFound } from './drive.ts';
import { GraphFailure, type Reply, type Request } from './http.ts';
import type { Showing } from './item-json.ts';
import { answerItem, type Target } from './items.ts';
import { driveJson, type Site, type Sites, type User } from './sites.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { Tokens } from './tokens.ts';

export interface Tenant {
  readonly tokens: Tokens;
  readonly sites: Sites;
  readonly users: readonly User[];
  readonly subscriptions: Subscriptions;
  readonly deltas: Deltas;
  readonly showing: Omit<Showing, 'drive' | 'select'>;
  /** What Sites.Selected lets the app do, by the id of the site. */
  readonly grants: ReadonlyMap<string, 'read' | 'write'>;
}

const CHANGING_SITES = ['Sites.ReadWrite.All', 'Sites.Manage.All', 'Sites.FullControl.All'];
/** What finding a site, reading a drive and changing one each need, one of them. */
const ROLES = {
  site: ['Sites.Read.All', ...CHANGING_SITES],
  read: ['Files.Read.All', 'Files.ReadWrite.All', 'Sites.Read.All', ...CHANGING_SITES],
  change: ['Files.ReadWrite.All', ...CHANGING_SITES],
};

/** Answers a request to Graph. @throws GraphFailure */
export async function answerGraph(tenant: Tenant, request: Request): Promise<Reply> {
  const roles = tenant.tokens.rolesOf(request.headers.authorization);
  if (roles === undefined)
    throw new GraphFailure(401, 'InvalidAuthenticationToken', 'Access token is missing, expired or invalid.');
  const path = decodedPath(request.path);
  const [, rest = ''] = /^\/v1\.0(\/.*)$/s.exec(path) ?? [];
  const [, kind = ''] = /^\/([^/:]+)/.exec(rest) ?? [];
  if (kind === 'subscriptions' && !roles.some((role) => ROLES.read.includes(role))) {
    throw new GraphFailure(403, 'accessDenied', 'The application may not subscribe.');
  }
  if (kind === 'subscriptions') return tenant.subscriptions.answer(rest.slice('/subscriptions/'.length), request);
  const may = (what: keyof typeof ROLES, site?: Site): boolean =>
    roles.some((role) => ROLES[what].includes(role)) ||
    (roles.includes('Sites.Selected') && isGranted(tenant, site, what === 'change'));
  const found = driveOf(tenant, rest);
  if (found === undefined && kind === 'sites') {
    const origin = `https://${request.headers.host}`;
    return tenant.sites.answer(rest.slice('/sites'.length), request.query, (site) => may('site', site), origin);
  }
  if (found === undefined) throw new GraphFailure(400, 'BadRequest', `Resource not found for the segment '${kind}'.`);
  if (!may(request.method === 'GET' ? 'read' : 'change', found.site))
    throw new GraphFailure(403, 'accessDenied', 'Access denied');
  if (found.below === '') return { status: 200, body: driveJson(found.drive) };
  return answerDrive(tenant, found.drive, found.below, request);
}

/** A grant holds for the site and its subsites. */
function isGranted({ grants, sites }: Tenant, site: Site | undefined, change: boolean): boolean {
  return sites.all.some(({ id, path }) => {
    const grant = grants.get(id);
    const covers = site?.id === id || (path !== '' && site?.path.startsWith(`${path}/`));
    return covers && (change ? grant === 'write' : grant !== undefined);
  });
}

function answerDrive(tenant: Tenant, drive: Drive, below: string, request: Request): Reply {
  const [, at = '', , path, part = ''] = ITEM.exec(below) ?? [];
  if (at === '') throw new GraphFailure(400, 'BadRequest', `Resource not found for '${below}'.`);
  const from = at === 'root' ? drive.root : drive.node(at.slice('items/'.length));
  const { showing, deltas } = tenant;
  if (/^delta(\(token='[^']*'\))?$/.test(part)) {
    if (from !== drive.root || path)
      throw new GraphFailure(400, 'invalidRequest', 'delta is supported on the root alone.');
    return deltas.page(drive, request, showing);
  }
  const target = targetOf(drive, from, path);
  return answerItem({ drive, target, part, request, showing, pageSize: deltas.pageSize });
}

/** `/root` or `/items/ID`; behind it `:/PATH`, closed by another `:` where more follows; and the part that is asked for. */
const ITEM = /^\/(root|items\/[^/:]+)(:\/([^:]*):?)?(?:\/(.*))?$/s;

function targetOf(drive: Drive, from: Drive['root'], path: string | undefined): Target {
  const names = (path ?? '')
    .split('/')
    .filter((name) => name !== '')
    .map((name) => name.replaceAll('\u{f8ff}', '/'));
  let at: Drive['root'] | undefined = from;
  for (const name of names) at = at?.children.get(name.normalize('NFC').toLowerCase());
  if (at !== undefined) return { node: drive.node(at.id) };
  return { parent: names.slice(0, -1), from, name: names.at(-1) ?? '' };
}

/** The drive that a path begins with, and what follows. */
export function driveOf(
  { sites, users }: Pick<Tenant, 'sites' | 'users'>,
  rest: string,
): { readonly drive: Drive; readonly below: string; readonly site?: Site } | undefined {
  const [, userId, underUser] = /^\/users\/([^/]+)\/drive(\/.*)?$/s.exec(rest) ?? [];
  if (userId !== undefined) {
    const wanted = userId.toLowerCase();
    const user = users.find((one) => one.id === wanted || one.userPrincipalName.toLowerCase() === wanted);
    if (user === undefined) throw new GraphFailure(404, 'ResourceNotFound', 'User not found');
    return { drive: user.drive, below: underUser ?? '' };
  }
  const [, siteId, driveId, underSite] = /^\/sites\/([^/:]+)\/drive(?:s\/([^/:]+))?(\/.*)?$/s.exec(rest) ?? [];
  if (siteId !== undefined) {
    const site = sites.all.find(({ id, path }) => (siteId === 'root' ? path === '' : id === siteId));
    const drive = driveId === undefined ? site?.drives[0] : site?.drives.find(({ id }) => id === driveId);
    if (site === undefined || drive === undefined) throw notFound();
    return { drive, below: underSite ?? '', site };
  }
  const [, id, below] = /^\/drives\/([^/:]+)(\/.*)?$/s.exec(rest) ?? [];
  if (id === undefined) return undefined;
  const site = sites.all.find(({ drives }) => drives.some((drive) => drive.id === id));
  const drive = [...(site?.drives ?? []), ...users.map((user) => user.drive)].find((one) => one.id === id);
  if (drive === undefined) throw notFound();
  return { drive, below: below ?? '', ...(site && { site }) };
}

/** Each part decoded by itself, once. A `/` that was encoded is no separator, and stands as U+F8FF. @throws GraphFailure 400 */
function decodedPath(path: string): string {
  try {
    return path
      .split('/')
      .map((part) => decodeURIComponent(part).replaceAll('/', '\u{f8ff}'))
      .join('/');
  } catch {
    throw new GraphFailure(400, 'BadRequest', 'The path is not well encoded.');
  }
}
