import type { Hidden } from '../../domain/hidden.ts';
import type { SitePlace } from './asset-url.ts';

/** Microsoft's clouds, each with its own accounts and its own data. */
export type GraphCloud = 'global' | 'usgov' | 'usgov-dod' | 'china';

export interface GraphEndpoints {
  /** Where tokens come from. An origin. */
  readonly authority: string;
  /** Where Graph is, without the version. An origin. */
  readonly graph: string;
  /** What a token is asked for. */
  readonly scope: string;
}

/** How Graph is reached and as whom. One of the three credentials is there. */
export interface GraphAccess {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret?: Hidden;
  /** Certificate and private key, as PEM text. */
  readonly certificate?: Hidden;
  /** Absolute path of a file with certificate and private key, PEM. */
  readonly certificateFile?: string;
  readonly cloud: GraphCloud;
  /** Origins in place of the cloud's own: a gateway, or a stand-in of a test. */
  readonly graphUrl?: string;
  readonly authorityUrl?: string;
  /** Items a page of a listing, 1 to 999. Absent: what Graph thinks best. */
  readonly pageSize?: number;
}

/** One folder, or the whole, of one document library. */
export interface SharepointStorage extends GraphAccess {
  readonly place: SitePlace;
}

/** One folder, or the whole, of the drive of each of these users. */
export interface OnedriveStorage extends GraphAccess {
  /** Ids or user principal names, each once, in the order of their bytes. With several, locations begin with the user. */
  readonly users: readonly string[];
  /** Names of folders with `/` between them; '' is the whole drive. */
  readonly folder: string;
}

/** How drives are watched. */
export interface GraphWatch {
  /** Seconds between two questions for changes. Default 30. */
  readonly interval?: number;
}

interface Named {
  readonly id: string;
  readonly watch?: GraphWatch;
  /** Folder in the same library that moved items go to. */
  readonly quarantine?: string;
}

export type SharepointSettings = Named & SharepointStorage;
export type OnedriveSettings = Named & OnedriveStorage;

const HOSTS: Readonly<Record<GraphCloud, { readonly login: string; readonly graph: string }>> = {
  global: { login: 'login.microsoftonline.com', graph: 'graph.microsoft.com' },
  usgov: { login: 'login.microsoftonline.us', graph: 'graph.microsoft.us' },
  'usgov-dod': { login: 'login.microsoftonline.us', graph: 'dod-graph.microsoft.us' },
  china: { login: 'login.chinacloudapi.cn', graph: 'microsoftgraph.chinacloudapi.cn' },
};

/** The endpoints of these settings. The scope is the cloud's own, whatever the origins are. */
export function endpointsOf(access: Pick<GraphAccess, 'cloud' | 'graphUrl' | 'authorityUrl'>): GraphEndpoints {
  const { login, graph } = HOSTS[access.cloud];
  return {
    authority: access.authorityUrl ?? `https://${login}`,
    graph: access.graphUrl ?? `https://${graph}`,
    scope: `https://${graph}/.default`,
  };
}
