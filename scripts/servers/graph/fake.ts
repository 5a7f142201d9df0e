import { randomBytes } from 'node:crypto';
import { localCertificate, type TlsPair } from './certificate.ts';
import { Deltas } from './delta.ts';
import { Downloads } from './downloads.ts';
import type { Drive } from './drive.ts';
import { Faults, type Rule } from './faults.ts';
import { GraphFailure, listen, type Request } from './http.ts';
import { Library } from './library.ts';
import { answerGraph, type Tenant } from './routes.ts';
import type { Site, User } from './sites.ts';
import { Subscriptions } from './subscriptions.ts';
import { HOST, liveNode, makeSites, makeUser, rootOf } from './tenant.ts';
import { Tokens } from './tokens.ts';

export interface LoggedRequest {
  readonly server: Request['server'];
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Request['headers'];
  readonly status: number;
}

/**
 * A stand-in for Microsoft Graph, its tokens and its downloads, each on a port of its own: a tenant with sites
 * (`/sites/Finance` with two libraries and a subsite, `/teams/Team One`, the root site) and two users.
 */
export interface GraphFake {
  /** Graph's, without the version. */
  readonly origin: string;
  /** The authority's. */
  readonly tokenOrigin: string;
  readonly downloadOrigin: string;
  readonly ports: { readonly graph: number; readonly token: number; readonly download: number };
  /** PEM; what a client must trust. */
  readonly certificate: string;
  /** For a server that stands in front of one of these. */
  readonly tls: TlsPair;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Of the sites, in their addresses. */
  readonly host: string;
  readonly sites: { readonly finance: Site; readonly subsite: Site; readonly team: Site; readonly root: Site };
  readonly users: readonly User[];
  /** `/sites/Finance`, and its default library. */
  readonly siteId: string;
  readonly driveId: string;
  /** What its other users do to the default library of `/sites/Finance`. */
  readonly library: Library;
  /** The same for another library, by its drive. */
  libraryOf(drive: Drive): Library;
  readonly tokens: Tokens;
  readonly downloads: Downloads;
  readonly deltas: Deltas;
  readonly subscriptions: Subscriptions;
  /** What `Sites.Selected` lets the app do, by the id of the site. */
  readonly grants: Map<string, 'read' | 'write'>;
  /** What a test makes of coming requests. */
  inject(rule: Rule): void;
  /** Forgets all rules. */
  calm(): void;
  /** Every request so far, with how it was answered. */
  readonly requests: LoggedRequest[];
  stop(): Promise<void>;
}

/** Starts a stand-in with empty libraries on free ports of 127.0.0.1. */
export async function startGraphFake(): Promise<GraphFake> {
  const tls = localCertificate();
  const app = {
    tenantId: crypto.randomUUID(),
    clientId: crypto.randomUUID(),
    clientSecret: randomBytes(24).toString('base64url'),
  };
  const tokens = new Tokens(app, ['Sites.ReadWrite.All', 'Files.ReadWrite.All']);
  const { sites, named } = makeSites();
  const users = ['alice', 'bob'].map(makeUser);
  const subscriptions = new Subscriptions(app.tenantId, (resource) => rootOf({ sites, users }, resource));
  const drives = [...sites.all.flatMap((site) => site.drives), ...users.map((user) => user.drive)];
  for (const drive of drives) drive.onChange = () => subscriptions.changed(drive.id);
  const downloads = new Downloads((driveId, itemId) => liveNode(drives, driveId, itemId));
  const deltas = new Deltas();
  const grants = new Map<string, 'read' | 'write'>();
  const showing = { downloadUrl: downloads.address.bind(downloads) };
  const tenant: Tenant = { tokens, sites, users, subscriptions, deltas, showing, grants };

  const faults = new Faults();
  const requests: LoggedRequest[] = [];
  const log = ({ server, method, url, headers }: Request, status: number) =>
    void requests.push({ server, method, url, headers, status });
  const graph = await listen(
    'graph',
    tls,
    (one) => faults.treat(one, () => refusable(() => answerGraph(tenant, one))),
    log,
  );
  const token = await listen('token', tls, (one) => faults.treat(one, () => tokens.answer(one)), log);
  const download = await listen('download', tls, (one) => faults.treat(one, () => downloads.answer(one)), log);
  downloads.origin = download.origin;
  const main = named.finance.drives[0] as Drive;

  return {
    ...app,
    origin: graph.origin,
    tokenOrigin: token.origin,
    downloadOrigin: download.origin,
    ports: { graph: graph.port, token: token.port, download: download.port },
    certificate: tls.cert,
    tls,
    host: HOST,
    sites: named,
    users,
    siteId: named.finance.id,
    driveId: main.id,
    library: new Library(main),
    libraryOf: (drive) => new Library(drive),
    tokens,
    downloads,
    deltas,
    subscriptions,
    grants,
    inject: (rule) => faults.inject(rule),
    calm: () => faults.clear(),
    requests,
    async stop() {
      await Promise.all([graph, token, download].map((server) => server.stop()));
    },
  };
}

/** A refusal as the reply that it is, so that a rule can change it. */
async function refusable(answer: () => ReturnType<typeof answerGraph>): ReturnType<typeof answerGraph> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof GraphFailure) return error.reply;
    throw error;
  }
}
