import { AnonymousCredential, QueueClient, QueueServiceClient, StorageSharedKeyCredential } from '@azure/storage-queue';
import { ConnectorError } from '../errors.ts';
import type { StorageQueueSettings } from '../feed-settings.ts';
import { connectionString, entraCredential } from './client.ts';
import type { AzureAccess } from './settings.ts';

const OPTIONS = { retryOptions: { maxTries: 1 } };

/** A queue as the settings reach it, and the account of the connector's blobs ('' where its address does not tell). */
export interface QueueAccess {
  readonly client: QueueClient;
  readonly account: string;
}

/** @throws ConnectorError `configuration` for access that can't be used */
export function queueClientOf(access: AzureAccess, pull: StorageQueueSettings): QueueAccess {
  try {
    return { client: connected(ownAccess(access, pull), pull), account: accountOf(access) };
  } catch (error) {
    if (error instanceof ConnectorError) throw error;
    // What the SDK says may hold what it was given.
    throw new ConnectorError('configuration', `the access to the queue ${pull.queue} can't be used: check watch.pull`);
  }
}

/** What the source names itself, else what the connector has. */
function ownAccess(
  access: AzureAccess,
  { connectionString, accountKey, sas, account }: StorageQueueSettings,
): AzureAccess {
  const endpoint = 'endpoint' in access ? access.endpoint : '';
  if (connectionString !== undefined) return { method: 'connection-string', connectionString };
  if (accountKey !== undefined) {
    const named = account ?? (accountOf(access) || undefined);
    if (named !== undefined) return { method: 'account-key', endpoint, account: named, accountKey };
    throw new ConnectorError('configuration', 'accountKey of watch.pull needs account');
  }
  return sas === undefined ? access : { method: 'sas', endpoint, sas };
}

function connected(access: AzureAccess, pull: StorageQueueSettings): QueueClient {
  if (access.method === 'connection-string') {
    const text = connectionString(access.connectionString.reveal());
    return QueueServiceClient.fromConnectionString(text, OPTIONS).getQueueClient(pull.queue);
  }
  const url = `${pull.endpoint ?? queueEndpoint(access.endpoint)}/${pull.queue}`;
  if (access.method === 'account-key') {
    const credential = new StorageSharedKeyCredential(access.account, access.accountKey.reveal().trim());
    return new QueueClient(url, credential, OPTIONS);
  }
  if (access.method === 'sas') {
    const query = access.sas.reveal().trim().replace(/^\?/, '');
    return new QueueClient(`${url}?${query}`, new AnonymousCredential(), OPTIONS);
  }
  return new QueueClient(url, entraCredential(access), OPTIONS);
}

/** The queues lie beside the blobs. */
function queueEndpoint(blobEndpoint: string): string {
  const url = blobEndpoint.replace('.blob.', '.queue.');
  if (url !== blobEndpoint) return url;
  const message = `the address of the queues does not follow from ${blobEndpoint}: set endpoint in watch.pull`;
  throw new ConnectorError('configuration', message);
}

function accountOf(access: AzureAccess): string {
  if (access.method === 'account-key') return access.account;
  if (access.method === 'connection-string') {
    return /(?:^|;)\s*AccountName=([^;]+)/i.exec(connectionString(access.connectionString.reveal()))?.[1] ?? '';
  }
  return /^https?:\/\/([a-z0-9]{3,24})\.blob\./.exec(access.endpoint)?.[1] ?? '';
}
