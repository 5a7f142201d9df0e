import type { ConnectorDefinition } from '../../domain/connector-entry.ts';
import type { ConnectorSettings } from './settings.ts';

/** Fields of a storage that say who asks, or how, and not what is asked. */
const HOW: ReadonlySet<string> = new Set([
  ...['accessKeyId', 'secretAccessKey', 'sessionToken', 'role', 'credentials', 'keyFile', 'profile'],
  ...['accountKey', 'sas', 'clientId', 'tenantId', 'clientSecret', 'tokenFile', 'authorityHost', 'method'],
  ...['certificate', 'certificateFile', 'authorityUrl', 'projectId', 'region', 'useFips', 'pathStyle'],
  ...['purge', 'tags', 'pageSize'],
]);

/** A connector as it is defined, and what that is read as. */
export interface Defined {
  readonly definition: ConnectorDefinition;
  readonly settings: ConnectorSettings;
}

/**
 * Whether two definitions lead to the same asset, so that names of items mean the same items. Where that can't be told, they do not: a
 * connection string is the same one while it is named by the same variable.
 */
export function isSameStorage(one: Defined, other: Defined): boolean {
  return textOf(one) === textOf(other);
}

function textOf({ definition, settings }: Defined): string {
  const { kind, asset, site } = settings;
  const storage = 'storage' in settings ? settings.storage : {};
  const { connectionString = definition.AZURE_STORAGE_CONNECTION_STRING } = definition;
  return JSON.stringify([kind, asset, site, connectionString, storage], (name, value: unknown) =>
    HOW.has(name) || isDefault(value) ? undefined : value,
  );
}

/** Who asks S3 without keys of its own. */
function isDefault(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && ['default', 'keys'].includes(String(value.kind))
  );
}
