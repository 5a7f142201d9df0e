import type { ConnectorSettings } from '../config/connectors/settings.ts';
import type { BucketPlace } from '../domain/bucket-place.ts';

/** Kinds whose items lie in buckets. */
type BucketConnector = Extract<ConnectorSettings, { kind: 'aws_s3' | 'azure_blob_storage' | 'google_cloud_storage' }>;

/**
 * The quarantines that the configuration names on the storage of this connector, its own and those of others: what lies there was moved
 * away by somebody, and is nobody's item, also when a scan names another quarantine. Those around an asset of this connector are left out:
 * it is meant to look there.
 */
export function reservedPlaces(found: BucketConnector, all: readonly ConnectorSettings[]): BucketPlace[] {
  const own = assetsOf(found);
  return all
    .filter((one): one is BucketConnector => one.kind === found.kind && serviceOf(one) === serviceOf(found))
    .flatMap((one) => assetsOf(one).flatMap(({ bucket }) => quarantineIn(one.quarantine, bucket)))
    .filter(({ bucket, prefix }) => !own.some((asset) => asset.bucket === bucket && asset.prefix.startsWith(prefix)));
}

/** What tells one storage from another that has buckets of the same names. */
function serviceOf(connector: ConnectorSettings): string {
  if (connector.kind === 'aws_s3' || connector.kind === 'google_cloud_storage') return connector.storage.endpoint ?? '';
  if (connector.kind !== 'azure_blob_storage') return '';
  const { access } = connector.storage;
  return access.method === 'connection-string' ? accountOf(access.connectionString) : access.endpoint;
}

/** What a connection string says but for its secrets; nothing where this process was not given it. */
function accountOf(secret: { reveal(): string }): string {
  try {
    const parts = secret.reveal().split(';');
    return parts.filter((part) => /^(AccountName|BlobEndpoint|EndpointSuffix)=/i.test(part)).join(';');
  } catch {
    return '';
  }
}

function assetsOf(connector: BucketConnector): BucketPlace[] {
  if (connector.kind === 'azure_blob_storage') {
    return connector.storage.assets.map(({ container, prefix }) => ({ bucket: container, prefix }));
  }
  return connector.storage.assets.map((asset) => placeOf(asset.replace(/^(s3|gs):\/\//, '')));
}

function placeOf(text: string): BucketPlace {
  const slash = text.indexOf('/');
  if (slash === -1) return { bucket: text, prefix: '' };
  return { bucket: text.slice(0, slash), prefix: folder(text.slice(slash + 1)) };
}

function folder(path: string): string {
  const inner = path.replace(/^\/+|\/+$/g, '');
  return inner === '' ? '' : `${inner}/`;
}

/** @param bucket of the items */
function quarantineIn(quarantine: string | undefined, bucket: string): BucketPlace[] {
  if (quarantine === undefined) return [];
  const [, rest] = /^(?:s3|az|gs):\/\/(.*)$/s.exec(quarantine) ?? [];
  const place = rest === undefined ? { bucket, prefix: folder(quarantine) } : placeOf(rest);
  // A whole bucket that others scan is their business.
  return rest === undefined && place.prefix === '' ? [] : [place];
}
