import { ClientSecretCredential, ManagedIdentityCredential, WorkloadIdentityCredential } from '@azure/identity';
import {
  AnonymousCredential,
  BlobServiceClient,
  type StoragePipelineOptions,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { ConnectorError } from '../errors.ts';
import type { AzureAccess } from './settings.ts';

/** One try a request: whoever calls decides when to ask again. */
const OPTIONS: StoragePipelineOptions = { retryOptions: { maxTries: 1 } };
const IDENTITY = { retryOptions: { maxRetries: 0 } };

/** @throws ConnectorError `configuration` for access that can't be used */
export function serviceOf(access: AzureAccess): BlobServiceClient {
  try {
    return connected(access);
  } catch {
    // What the SDK says may hold what it was given.
    throw new ConnectorError('configuration', `the ${access.method} can't be used: ${REMEDIES[access.method]}`);
  }
}

const REMEDIES: Readonly<Record<AzureAccess['method'], string>> = {
  'connection-string': 'give it as the Azure portal shows it, or the same in base64',
  'account-key': 'give the key as the Azure portal shows it, which is base64',
  sas: 'give the query of a shared access signature, as sv=…&sig=…',
  'managed-identity': 'check clientId',
  'workload-identity': 'check clientId, tenantId and tokenFile, or let the platform set AZURE_CLIENT_ID and the like',
  'client-secret': 'check tenantId, clientId and clientSecret',
};

function connected(access: AzureAccess): BlobServiceClient {
  switch (access.method) {
    case 'connection-string':
      return BlobServiceClient.fromConnectionString(connectionString(access.connectionString.reveal()), OPTIONS);
    case 'account-key': {
      const credential = new StorageSharedKeyCredential(access.account, access.accountKey.reveal().trim());
      return new BlobServiceClient(access.endpoint, credential, OPTIONS);
    }
    case 'sas': {
      const query = access.sas.reveal().trim().replace(/^\?/, '');
      if (!new URLSearchParams(query).has('sig')) throw new Error('no signature');
      return new BlobServiceClient(`${access.endpoint}?${query}`, new AnonymousCredential(), OPTIONS);
    }
    default:
      return new BlobServiceClient(access.endpoint, entraCredential(access), OPTIONS);
  }
}

/** What proves an identity of Microsoft Entra, for any service of the account. @throws Error when it can't be used */
export function entraCredential(
  access: Extract<AzureAccess, { readonly method: 'managed-identity' | 'workload-identity' | 'client-secret' }>,
): ManagedIdentityCredential | WorkloadIdentityCredential | ClientSecretCredential {
  switch (access.method) {
    case 'managed-identity': {
      const named = access.clientId === undefined ? {} : { clientId: access.clientId };
      return new ManagedIdentityCredential({ ...named, ...IDENTITY });
    }
    case 'workload-identity': {
      const { clientId, tenantId, tokenFile: tokenFilePath, authorityHost } = access;
      const given = Object.entries({ clientId, tenantId, tokenFilePath, authorityHost });
      const named = Object.fromEntries(given.filter(([, value]) => value !== undefined));
      return new WorkloadIdentityCredential({ ...named, ...IDENTITY });
    }
    case 'client-secret': {
      const { tenantId, clientId, clientSecret, authorityHost } = access;
      const where = authorityHost === undefined ? {} : { authorityHost };
      return new ClientSecretCredential(tenantId, clientId, clientSecret.reveal(), { ...where, ...IDENTITY });
    }
  }
}

const FIELDS = /(^|;)\s*(AccountName|BlobEndpoint|UseDevelopmentStorage)=/i;

/** A connection string that may be in quotes, have its semicolons escaped, or be in base64. @throws Error when it is none */
export function connectionString(given: string): string {
  const text = cleaned(given);
  if (FIELDS.test(text)) return text;
  const decoded = cleaned(Buffer.from(text, 'base64').toString('utf8'));
  if (FIELDS.test(decoded)) return decoded;
  throw new Error('no connection string');
}

function cleaned(text: string): string {
  return text
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .replaceAll('\\;', ';')
    .trim();
}
