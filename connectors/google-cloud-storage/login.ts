import { Storage, type StorageOptions } from '@google-cloud/storage';
import { messageOf, systemCode } from '../../domain/errors.ts';
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
  const endpoint = settings.endpoint ?? GOOGLE_ENDPOINT;
  const named = settings.keyFile !== undefined || settings.credentials !== undefined;
  if (!named && !isGoogle(endpoint)) {
    return { headers: async () => ({}), project: async () => settings.projectId };
  }
  const { authClient } = new Storage(optionsOf(settings));
  return {
    async headers(url) {
      try {
        return Object.fromEntries((await authClient.getRequestHeaders(url)).entries());
      } catch (error) {
        throw loginFailure(error, settings);
      }
    },
    async project() {
      if (settings.projectId !== undefined) return settings.projectId;
      // Credentials without a project are no mistake: only the offer of buckets needs one.
      return authClient.getProjectId().catch(() => undefined);
    },
  };
}

function optionsOf({ id, projectId, keyFile, credentials }: GcsSettings): StorageOptions {
  return {
    ...(projectId !== undefined && { projectId }),
    ...(keyFile !== undefined && { keyFilename: keyFile }),
    ...(credentials !== undefined && { credentials: parsed(id, credentials.reveal()) }),
  };
}

function parsed(id: string, text: string): NonNullable<StorageOptions['credentials']> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // What it says would show a part of the secret.
  }
  throw new ConnectorError('configuration', `connector ${id}: credentials must be the JSON text of a credentials file`);
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

function loginFailure(error: unknown, { id, keyFile }: GcsSettings): ConnectorError {
  const code = systemCode(error) ?? systemCode((error as { cause?: unknown } | undefined)?.cause);
  if (code === 'ENOENT' || code === 'EACCES') {
    const text = `connector ${id}: the key file ${keyFile ?? ''} can't be read (${code}); correct keyFile, or its permissions`;
    return new ConnectorError('configuration', text, { cause: error });
  }
  if (code !== undefined && NO_WAY.has(code)) {
    return new ConnectorError('unreachable', `connector ${id}: Google's login can't be reached (${code})`, {
      cause: error,
    });
  }
  const advice = 'name a key file, credentials, or an identity that the process has';
  return new ConnectorError('credentials', `connector ${id}: no login: ${messageOf(error)}; ${advice}`, {
    cause: error,
  });
}

function isGoogle(endpoint: string): boolean {
  const { hostname } = new URL(endpoint);
  return hostname === 'googleapis.com' || hostname.endsWith('.googleapis.com');
}
