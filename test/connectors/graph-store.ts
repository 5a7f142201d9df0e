import type { Connector } from '../../connectors/connector.ts';
import { createGraphConnector } from '../../connectors/graph/connector.ts';
import type { GraphSettings } from '../../connectors/graph/drives.ts';
import { trustLocalCertificate } from '../../scripts/servers/graph/certificate.ts';
import { type GraphFake, startGraphFake } from '../../scripts/servers/graph/fake.ts';
import { ODD_NAMES } from './conformance.ts';
import type { HttpStore } from './http-conformance.ts';
import { HttpFront } from './http-front.ts';

/** Folder of the library that is the asset: a name that must be encoded. */
export const FOLDER = "Scan #1 & 100%/it's";
export const QUARANTINE = 'dsxconnect-quarantine';
export const PAGE_SIZE = 50;

/** Names that SharePoint itself refuses, or takes for another's: it knows no case and no form of Unicode. */
const REFUSED = /["*:<>?\\|\p{Cc}]|^ | $|^~$|^\.\.\.$|^B$|cafe\u0301/u;
export const WITHOUT = ODD_NAMES.filter((name) => REFUSED.test(name.toString('utf8')));

export interface GraphStore extends HttpStore {
  readonly fake: GraphFake;
}

export async function startFake(): Promise<GraphFake> {
  const fake = await startGraphFake();
  trustLocalCertificate();
  fake.deltas.pageSize = PAGE_SIZE;
  return fake;
}

/** Settings for a library of the fake, reached at `graphUrl`. */
export function sharepointSettings(fake: GraphFake, graphUrl = fake.origin, folder = FOLDER): GraphSettings {
  return {
    kind: 'sharepoint',
    id: 'library',
    tenantId: fake.tenantId,
    clientId: fake.clientId,
    clientSecret: { reveal: () => fake.clientSecret },
    cloud: 'global',
    graphUrl,
    authorityUrl: fake.tokenOrigin,
    place: { host: fake.host, readings: [{ site: '/sites/Finance', library: 'Shared Documents', folder }] },
  };
}

export function onedriveSettings(fake: GraphFake, users: readonly string[], graphUrl = fake.origin): GraphSettings {
  return {
    kind: 'onedrive',
    id: 'drives',
    tenantId: fake.tenantId,
    clientId: fake.clientId,
    clientSecret: { reveal: () => fake.clientSecret },
    cloud: 'global',
    graphUrl,
    authorityUrl: fake.tokenOrigin,
    users,
    folder: '',
  };
}

const json = { 'content-type': 'application/json' };
const error = (code: string) => JSON.stringify({ error: { code, message: 'as Graph would say it' } });

/** A store on a fake of its own, its connector behind a front. */
export async function graphStore(kind: 'sharepoint' | 'onedrive' = 'sharepoint'): Promise<GraphStore> {
  const fake = await startFake();
  const fronts = await Promise.all([0, 1].map(() => frontOf(fake)));
  const [front, deadly] = fronts as [HttpFront, HttpFront];
  const at = (one: HttpFront) => `https://127.0.0.1:${one.port}`;
  const made: Connector[] = [];
  const user = fake.users[0]?.userPrincipalName ?? '';
  const connect = (graphUrl: string): Connector => {
    const settings =
      kind === 'sharepoint' ? sharepointSettings(fake, graphUrl) : onedriveSettings(fake, [user], graphUrl);
    const connector = createGraphConnector(settings);
    made.push(connector);
    return connector;
  };
  const library = kind === 'sharepoint' ? fake.library : fake.libraryOf(fake.users[0]?.drive ?? fake.library.drive);
  const base = kind === 'sharepoint' ? `${FOLDER}/` : '';
  if (base !== '') library.makeFolder(FOLDER);
  const pathOf = (location: Buffer | string) => base + location.toString('utf8');

  return {
    fake,
    front,
    connector: connect(at(front)),
    another: () => connect(at(front)),
    answers: {
      throttled: { status: 429, headers: { ...json, 'retry-after': '2' }, body: error('activityLimitReached') },
      expired: { status: 401, headers: json, body: error('InvalidAuthenticationToken') },
      forbidden: { status: 403, headers: json, body: error('accessDenied') },
      broken: { status: 500, headers: json, body: error('generalException') },
    },
    async put(location, bytes) {
      library.put(pathOf(location), bytes);
    },
    async overwrite(location, bytes) {
      library.overwrite(pathOf(location), bytes);
    },
    async remove(location) {
      library.remove(pathOf(location));
    },
    async putMany(locations) {
      for (const location of locations) library.put(pathOf(location), location);
    },
    async contents() {
      const files = [...library.contents()].filter(([path]) => path.startsWith(base) && !path.startsWith(QUARANTINE));
      return new Map(
        files.map(([path, bytes]) => [Buffer.from(path.slice(base.length)).toString('latin1'), bytes] as const),
      );
    },
    async quarantined(destination) {
      return library.contents().get(`${QUARANTINE}/${destination}`);
    },
    async occupy(destination, bytes) {
      library.put(`${QUARANTINE}/${destination}`, bytes);
    },
    dying(change) {
      return { connector: connect(at(deadly)), died: deadly.dieBefore(change).died };
    },
    async close() {
      await Promise.all(made.map((connector) => connector.close()));
      await Promise.all(fronts.map((one) => one.close()));
      await fake.stop();
    },
  };
}

function frontOf(fake: GraphFake): Promise<HttpFront> {
  return HttpFront.start({ host: '127.0.0.1', port: fake.ports.graph, tls: fake.tls });
}
