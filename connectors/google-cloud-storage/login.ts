import fs from 'node:fs/promises';
import { Storage, type StorageOptions } from '@google-cloud/storage';
import { systemCode } from '../../domain/errors.ts';
import { ConnectorError } from '../errors.ts';
import { type GcsSettings, GOOGLE_ENDPOINT } from './settings.ts';

/** Who asks, as the service is to see it. */
export interface Login {
  /** Headers that carry the identity, by name; none for an endpoint that is asked without. @throws ConnectorError */
  headers(url: string): Promise<Record<string, string>>;
  /** The project of the settings, else that of the credentials; undefined when neither names one. */
  project(): Promise<string | undefined>;
}

/**
 * The login of a connector: a key file, credentials of the configuration, or what the process finds by Google's own rules
 * (application default credentials, workload identity). An endpoint that is not Google's is asked without a login unless one is
 * set, and no metadata server is looked for.
 * @throws ConnectorError `configuration` for credentials that are no JSON
 */
export function createLogin(settings: GcsSettings): Login {
  const { id, endpoint = GOOGLE_ENDPOINT, projectId, keyFile, credentials } = settings;
  if (keyFile === undefined && credentials === undefined && !isGoogle(endpoint)) {
    return { headers: async () => ({}), project: async () => projectId };
  }
  const given = credentials === undefined ? undefined : parsed(credentials.reveal(), `connector ${id}: credentials`);
  let client: Promise<Client> | undefined;
  const opened = () => {
    // A key file that can't be read is read anew the next time.
    client ??= clientOf(settings, given).catch((error: unknown) => {
      client = undefined;
      throw error;
    });
    return client;
  };
  return {
    async headers(url) {
      try {
        return Object.fromEntries((await (await opened()).auth.getRequestHeaders(url)).entries());
      } catch (error) {
        throw loginFailure(error, id);
      }
    },
    async project() {
      if (projectId !== undefined) return projectId;
      try {
        const { auth, project } = await opened();
        // Elsewhere than at Google nobody looks for a project in the machine's surroundings.
        return project ?? (isGoogle(endpoint) ? await auth.getProjectId() : undefined);
      } catch {
        // Credentials without a project are no mistake: only the offer of buckets needs one.
        return undefined;
      }
    },
  };
}

type Credentials = NonNullable<StorageOptions['credentials']>;

interface Client {
  readonly auth: Storage['authClient'];
  /** The project that the credentials name. */
  readonly project: string | undefined;
}

/** @throws ConnectorError `configuration` for a key file that is none */
async function clientOf(settings: GcsSettings, given: Credentials | undefined): Promise<Client> {
  const { id, projectId, keyFile } = settings;
  const credentials = keyFile === undefined ? given : parsed(await textOf(id, keyFile), `connector ${id}: ${keyFile}`);
  const { authClient } = new Storage({
    ...(projectId !== undefined && { projectId }),
    ...(credentials !== undefined && { credentials }),
  });
  const { project_id: project } = (credentials ?? {}) as { project_id?: unknown };
  return { auth: authClient, project: typeof project === 'string' ? project : undefined };
}

async function textOf(id: string, keyFile: string): Promise<string> {
  try {
    return await fs.readFile(keyFile, 'utf8');
  } catch (error) {
    const text = `connector ${id}: the key file ${keyFile} can't be read (${systemCode(error) ?? 'unknown'})`;
    throw new ConnectorError('configuration', `${text}; correct keyFile, or its permissions`, { cause: error });
  }
}

function parsed(text: string, what: string): Credentials {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // What it says would show a part of the secret.
  }
  throw new ConnectorError('configuration', `${what} must be the JSON text of a credentials file`);
}

const NO_WAY = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** What Google's library says may hold a part of the credentials, so only codes of it are told. */
function loginFailure(error: unknown, id: string): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const code = systemCode(error) ?? systemCode((error as { cause?: unknown } | undefined)?.cause);
  const status = Number((error as { response?: { status?: unknown } } | undefined)?.response?.status);
  if (status >= 500 || status === 429) {
    return new ConnectorError('unreachable', `connector ${id}: Google's login answers ${status}`);
  }
  if (code !== undefined && NO_WAY.has(code)) {
    return new ConnectorError('unreachable', `connector ${id}: Google's login can't be reached (${code})`);
  }
  const told = refusalIn(error) ?? code;
  const advice = 'name a key file, credentials, or an identity that the process has, and see that it is in force';
  return new ConnectorError('credentials', `connector ${id}: no login${told ? ` (${told})` : ''}; ${advice}`);
}

/** The code of a refusal of the login service, as `invalid_grant`. */
function refusalIn(error: unknown): string | undefined {
  const { response } = (error ?? {}) as { response?: { data?: { error?: unknown } } };
  const told = response?.data?.error;
  return typeof told === 'string' && /^[a-z_]{1,64}$/.test(told) ? told : undefined;
}

function isGoogle(endpoint: string): boolean {
  const { hostname } = new URL(endpoint);
  return hostname === 'googleapis.com' || hostname.endsWith('.googleapis.com');
}
