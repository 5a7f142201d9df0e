import type { ConnectorSettings } from './settings.ts';
import { isVendorHost, type VendorService } from './vendor-hosts.ts';

const GOOGLE_PUBSUB = 'pubsub.googleapis.com';

/**
 * The address to which a connector would send a token of the identity that its worker has of the platform, where it is not the vendor's: the
 * field, or undefined. Whoever may name addresses need not be who may have that token, so it goes to the vendor alone, whatever is allowed.
 */
export function strayIdentity(connector: ConnectorSettings): string | undefined {
  if (connector.kind === 'azure_blob_storage') {
    const { access } = connector.storage;
    if (access.method !== 'managed-identity' && access.method !== 'workload-identity') return undefined;
    if (!leadsTo(access.endpoint, 'azure-storage')) return 'endpoint';
    if ('authorityHost' in access && !leadsTo(access.authorityHost, 'entra')) return 'authorityHost';
    const pull = connector.watch?.pull;
    if (pull?.kind !== 'storage-queue' || pull.endpoint === undefined) return undefined;
    const own = pull.connectionString ?? pull.accountKey ?? pull.sas;
    return own !== undefined || leadsTo(pull.endpoint, 'azure-storage')
      ? undefined
      : 'watch.pull.storage-queue.endpoint';
  }
  if (connector.kind !== 'google_cloud_storage') return undefined;
  // Objects at another endpoint are asked for without a login where none is set; messages only without TLS.
  const pull = connector.watch?.pull;
  if (pull?.kind !== 'pubsub' || (pull.credentials ?? connector.storage.credentials) !== undefined) return undefined;
  const { endpoint = GOOGLE_PUBSUB } = pull;
  return endpoint.startsWith('http://') || leadsTo(endpoint, 'google') ? undefined : 'watch.pull.pubsub.endpoint';
}

/** Whether an address, with or without a scheme and a port, is one of this service. */
function leadsTo(address: string | undefined, service: VendorService): boolean {
  if (address === undefined) return true;
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `https://${address}`;
  return URL.canParse(url) && isVendorHost(new URL(url).hostname, service);
}
