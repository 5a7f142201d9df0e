import { z } from 'zod';
import type { AzureAccess, AzureAsset } from '../../connectors/azure-blob/settings.ts';
import type { Hidden } from '../../domain/hidden.ts';
import { integer, isPlainFar, onOff, webAddress } from '../fields.ts';
import type { Fields, Kind } from './kind.ts';
import { secret } from './secret-field.ts';

const ASSET = 'must be a container, or container/prefix, as reports/incoming; or a list of them';
const CONTAINER = /^(?:\$root|\$web|\$logs|(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*)$/;
const SUFFIX = 'must be the end of a host name, as core.usgovcloudapi.net';

/** An asset from its text; undefined when it is none. The prefix is a folder: it ends with `/`. */
function parseAsset(text: string): AzureAsset | undefined {
  const slash = text.indexOf('/');
  const container = slash === -1 ? text : text.slice(0, slash);
  const prefix = slash === -1 ? '' : text.slice(slash + 1);
  if (!CONTAINER.test(container) || !(prefix === '' || isPrefix(prefix))) return undefined;
  // Blobs at the root of the account have no slash in their names.
  if (container === '$root' && prefix !== '') return undefined;
  return { container, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}

/** Whether it stays below its container. Azure takes `\` for `/`. */
function isPrefix(text: string): boolean {
  const sound = !text.startsWith('/') && text.length <= 1024 && !/[\\\0]/.test(text) && text.isWellFormed();
  return sound && text.split('/').every((part) => part !== '.' && part !== '..');
}

const asset = z
  .union([z.string(), z.array(z.string()).min(1, { error: ASSET })], { error: ASSET })
  .transform((input, context): readonly AzureAsset[] => {
    const given = typeof input === 'string' ? [input] : input;
    const assets = given.map(parseAsset);
    const wrong = given.find((_, index) => assets[index] === undefined);
    if (wrong === undefined) return assets as AzureAsset[];
    context.issues.push({ code: 'custom', input, message: `${ASSET}; ${JSON.stringify(wrong)} is none` });
    return z.NEVER;
  });

const QUARANTINE = 'must be a prefix, as dsxconnect-quarantine, or az://container/prefix';

const quarantine = z.string({ error: QUARANTINE }).refine(
  (text) => {
    const { container, prefix } = parseQuarantine(text);
    const named = container === undefined ? !text.includes('://') && prefix !== '' : CONTAINER.test(container);
    return named && (prefix === '' || (isPrefix(prefix) && !prefix.slice(0, -1).split('/').includes('')));
  },
  { error: QUARANTINE },
);

function parseQuarantine(text: string): { readonly container?: string; readonly prefix: string } {
  const [, container, below = ''] = /^az:\/\/([^/]*)(?:\/(.*))?$/s.exec(text) ?? [];
  const path = (container === undefined ? text : below).replace(/\/+$/, '');
  return { ...(container !== undefined && { container }), prefix: path === '' ? '' : `${path}/` };
}

const text = (message: string, pattern: RegExp) => z.string({ error: message }).regex(pattern, { error: message });
const id = text('must be the id of an application or a tenant, or a domain', /^[A-Za-z0-9.-]{1,253}$/);

const METHODS = ['connectionString', 'accountKey', 'sas', 'clientSecret', 'identity'] as const;
const ENTRA = ['clientId', 'tenantId', 'tokenFile', 'authorityHost'] as const;
const ONE_STREAM = 'an item is read in one stream';

/** Blobs of an Azure storage account. */
export const azureBlobStorage: Kind = {
  shape: {
    asset,
    quarantine: quarantine.default('dsxconnect-quarantine'),
    account: text(
      'must be the name of a storage account: 3 to 24 small letters and digits',
      /^[a-z0-9]{3,24}$/,
    ).optional(),
    endpoint: webAddress.refine((url) => !/[?#@]/.test(url), { error: 'must have no user and no query' }).optional(),
    endpointSuffix: text(SUFFIX, /^[a-z0-9-]+(\.[a-z0-9-]+)+$/).optional(),
    connectionString: secret.optional(),
    accountKey: secret.optional(),
    sas: secret.optional(),
    identity: z.enum(['managed', 'workload'], { error: 'must be managed or workload' }).optional(),
    clientId: id.optional(),
    tenantId: id.optional(),
    clientSecret: secret.optional(),
    tokenFile: text('must be an absolute path', /^\//).optional(),
    authorityHost: webAddress.optional(),
    tags: z.enum(['index', 'metadata'], { error: 'must be index or metadata' }).default('index'),
    purge: onOff.default(false),
    pageSize: integer(1, 5000).default(1000),
  },
  secrets: ['connectionString', 'accountKey', 'sas', 'clientSecret'],
  local: ['tokenFile'],
  addresses: { endpoint: 'azure-storage', endpointSuffix: 'azure-suffix', authorityHost: 'entra' },
  aliases: {
    AZURE_STORAGE_CONNECTION_STRING: 'connectionString',
    AZURE_STORAGE_ACCOUNT_NAME: 'account',
    AZURE_STORAGE_ACCOUNT: 'account',
    AZURE_STORAGE_ACCOUNT_KEY: 'accountKey',
    AZURE_STORAGE_KEY: 'accountKey',
    AZURE_STORAGE_SAS_TOKEN: 'sas',
    AZURE_TENANT_ID: 'tenantId',
    AZURE_CLIENT_ID: 'clientId',
    AZURE_CLIENT_SECRET: 'clientSecret',
    AZURE_FEDERATED_TOKEN_FILE: 'tokenFile',
    AZURE_AUTHORITY_HOST: 'authorityHost',
    DSXCONNECTOR_LIST_PAGE_SIZE: 'pageSize',
  },
  retired: {
    DSXCONNECTOR_DOWNLOAD_MAX_CONCURRENCY: ONE_STREAM,
    CHUNK_SIZE: ONE_STREAM,
    DSXCONNECTOR_MONITOR: 'watching is set by the field watch (webhook, or pull: storage-queue)',
  },
  refine(fields, refuse) {
    refineAssets(fields, refuse);
    refineAccess(fields, refuse);
  },
  build: (fields) => ({
    kind: 'azure_blob_storage',
    asset: assetsOf(fields).map(shown).join(', '),
    quarantine: fields.quarantine as string,
    storage: {
      assets: assetsOf(fields),
      access: accessOf(fields),
      tags: fields.tags as 'index' | 'metadata',
      purge: fields.purge as boolean,
      pageSize: fields.pageSize as number,
    },
  }),
};

type Refuse = (field: string, message: string) => void;

const assetsOf = (fields: Fields) => (Array.isArray(fields.asset) ? fields.asset : []) as readonly AzureAsset[];
const shown = ({ container, prefix }: AzureAsset) => (prefix === '' ? container : `${container}/${prefix}`);
const isWithin = (one: AzureAsset, other: { readonly container?: string; readonly prefix: string }) =>
  (other.container === undefined || one.container === other.container) && one.prefix.startsWith(other.prefix);

function refineAssets(fields: Fields, refuse: Refuse): void {
  const assets = assetsOf(fields);
  for (const [index, one] of assets.entries()) {
    const other = assets.find(
      (each, at) => at !== index && isWithin(one, each) && (at < index || shown(each) !== shown(one)),
    );
    if (other !== undefined) refuse('asset', `${shown(one)} lies within ${shown(other)}; leave it out`);
  }
  if (typeof fields.quarantine !== 'string') return;
  const hidden = assets.find((one) => isWithin(one, parseQuarantine(fields.quarantine as string)));
  if (hidden === undefined) return;
  refuse('quarantine', `must not hold the asset ${shown(hidden)}: everything below it is left out of scans`);
}

function refineAccess(fields: Fields, refuse: Refuse): void {
  const has = (field: string) => fields[field] !== undefined;
  const [method, second] = METHODS.filter(has);
  if (method === undefined) {
    refuse('identity', `is missing: who asks must be proven by one of ${METHODS.join(', ')}`);
    return;
  }
  if (second !== undefined) refuse(second, `does not go with ${method}: keep one of them`);
  if (has('endpoint') && has('endpointSuffix')) refuse('endpointSuffix', 'does not go with endpoint, which is whole');
  const where = ['account', 'endpoint', 'endpointSuffix'];
  if (method === 'connectionString') {
    for (const field of where.filter(has)) refuse(field, 'does not go with connectionString, which says it too');
  } else if (!has('account') && !has('endpoint')) {
    refuse('account', 'is missing: the name of the storage account');
  } else if (method === 'accountKey' && !has('account')) {
    refuse('account', 'is missing: what is signed with accountKey names the account');
  }
  const entra = method === 'clientSecret' || method === 'identity';
  if (entra && String(fields.endpoint ?? '').startsWith('http:')) {
    refuse('endpoint', 'must be https: tokens are not sent over plain http');
  }
  if (method === 'sas' && isPlainFar(fields.endpoint)) {
    refuse('endpoint', 'must be https: a signature is not sent over plain http');
  }
  const usable = entraFields(fields);
  for (const field of ENTRA) {
    if (has(field) && !usable.includes(field)) refuse(field, `means nothing with ${describe(fields, method)}`);
  }
  if (method !== 'clientSecret') return;
  for (const field of ['tenantId', 'clientId']) if (!has(field)) refuse(field, 'is missing: clientSecret needs it');
}

function entraFields({ clientSecret, identity }: Fields): readonly string[] {
  if (clientSecret !== undefined) return ['clientId', 'tenantId', 'authorityHost'];
  if (identity === 'workload') return ENTRA;
  return identity === 'managed' ? ['clientId'] : [];
}

const describe = (fields: Fields, method: string) => (method === 'identity' ? `identity ${fields.identity}` : method);

/** From fields that go together. */
function accessOf(fields: Fields): AzureAccess {
  const { account, endpointSuffix = 'core.windows.net', connectionString, accountKey, sas, clientSecret } = fields;
  const { identity, ...rest } = fields;
  if (connectionString !== undefined) {
    return { method: 'connection-string', connectionString: connectionString as Hidden };
  }
  const endpoint = (fields.endpoint ?? `https://${account}.blob.${endpointSuffix}`) as string;
  if (accountKey !== undefined) {
    return { method: 'account-key', endpoint, account: account as string, accountKey: accountKey as Hidden };
  }
  if (sas !== undefined) return { method: 'sas', endpoint, sas: sas as Hidden };
  const named = Object.fromEntries(
    ENTRA.filter((field) => rest[field] !== undefined).map((field) => [field, rest[field]]),
  );
  if (clientSecret !== undefined) {
    const { clientId, tenantId, ...more } = named as { clientId: string; tenantId: string };
    return { method: 'client-secret', endpoint, tenantId, clientId, clientSecret: clientSecret as Hidden, ...more };
  }
  return { method: identity === 'managed' ? 'managed-identity' : 'workload-identity', endpoint, ...named };
}
