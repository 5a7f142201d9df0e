import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfigFile } from '../../config/file.ts';
import type { AzureBlobStorage } from '../../connectors/azure-blob/settings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'dsx-azure-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A file with one connector of these fields, as YAML in JSON. */
function load(fields: Record<string, unknown>, env: NodeJS.ProcessEnv = {}) {
  const file = path.join(folder, 'dsx-connect.yaml');
  writeFileSync(file, JSON.stringify({ connectors: [{ id: 'blobs', kind: 'azure_blob_storage', ...fields }] }));
  const { config, problems } = loadConfigFile(file, env, () => false);
  return { connector: config.connectors[0], problems };
}

function storage(fields: Record<string, unknown>, env?: NodeJS.ProcessEnv): AzureBlobStorage {
  const { connector, problems } = load(fields, env);
  expect(problems).toEqual([]);
  if (connector?.kind !== 'azure_blob_storage') throw new Error('another kind');
  return connector.storage;
}

const from = (variable: string) => `\${${variable}}`;
const key = { account: 'acct', accountKey: 'a2V5' };

describe('azure_blob_storage', () => {
  it('has defaults, and never shows a secret', () => {
    const { connector, problems } = load({ asset: 'files', ...key });
    expect(problems).toEqual([]);
    expect(connector).toMatchObject({
      asset: 'files',
      quarantine: 'dsxconnect-quarantine',
      action: 'nothing',
      storage: {
        assets: [{ container: 'files', prefix: '' }],
        access: { method: 'account-key', endpoint: 'https://acct.blob.core.windows.net', account: 'acct' },
        tags: 'index',
        purge: false,
        pageSize: 1000,
      },
    });
    expect(JSON.stringify(connector) + inspect(connector, { depth: 9 })).not.toContain('a2V5');
  });

  it.each([
    ['c-1', [{ container: 'c-1', prefix: '' }]],
    ['c-1/a b/é', [{ container: 'c-1', prefix: 'a b/é/' }]],
    ['c-1/a/', [{ container: 'c-1', prefix: 'a/' }]],
    ['$root', [{ container: '$root', prefix: '' }]],
    [
      ['c-1/a', 'c-1/b', 'abc'],
      [
        { container: 'c-1', prefix: 'a/' },
        { container: 'c-1', prefix: 'b/' },
        { container: 'abc', prefix: '' },
      ],
    ],
  ])('takes the asset %j', (asset, expected) => {
    expect(storage({ asset, ...key }).assets).toEqual(expected);
  });

  it('takes the names of the former connector', () => {
    const old = {
      DSXCONNECTOR_ASSET: 'files/x',
      DSXCONNECTOR_ITEM_ACTION: 'move_tag',
      DSXCONNECTOR_ITEM_ACTION_MOVE_METAINFO: 'away',
      DSXCONNECTOR_LIST_PAGE_SIZE: '2000',
    };
    for (const [account, accountKey] of [
      ['AZURE_STORAGE_ACCOUNT_NAME', 'AZURE_STORAGE_ACCOUNT_KEY'],
      ['AZURE_STORAGE_ACCOUNT', 'AZURE_STORAGE_KEY'],
    ] as const) {
      const { connector, problems } = load({ ...old, [account]: 'acct', [accountKey]: from('KEY') }, { KEY: 'a2V5' });
      expect(problems).toEqual([]);
      expect(connector).toMatchObject({
        asset: 'files/x/',
        action: 'movetag',
        quarantine: 'away',
        storage: { pageSize: 2000, access: { method: 'account-key' } },
      });
    }
    const access = storage(
      { asset: 'files', AZURE_STORAGE_CONNECTION_STRING: from('S') },
      { S: 'AccountName=x' },
    ).access;
    expect(access.method === 'connection-string' && access.connectionString.reveal()).toBe('AccountName=x');
    expect(storage({ asset: 'files', account: 'acct', AZURE_STORAGE_SAS_TOKEN: 'sig=x' }).access.method).toBe('sas');
    const application = { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: 's' };
    expect(storage({ asset: 'files', account: 'acct', ...application }).access).toMatchObject({
      method: 'client-secret',
      tenantId: 't',
      clientId: 'c',
    });
  });

  it.each(['DSXCONNECTOR_DOWNLOAD_MAX_CONCURRENCY', 'CHUNK_SIZE', 'DSXCONNECTOR_MONITOR'])(
    'tells that %s is retired',
    (name) => {
      const [problem] = load({ asset: 'files', ...key, [name]: '8' }).problems;
      expect(problem).toMatchObject({
        field: `connectors[0].${name}`,
        text: expect.stringContaining('former connector'),
      });
    },
  );

  it('knows identities and sovereign clouds', () => {
    const account = { asset: 'files', account: 'acct' };
    expect(
      storage({ ...account, identity: 'managed', clientId: 'c', endpointSuffix: 'core.usgovcloudapi.net' }).access,
    ).toEqual({
      method: 'managed-identity',
      endpoint: 'https://acct.blob.core.usgovcloudapi.net',
      clientId: 'c',
    });
    expect(
      storage({ asset: 'files', endpoint: 'https://blobs.example.com/x/', identity: 'workload', tokenFile: '/t' })
        .access,
    ).toEqual({
      method: 'workload-identity',
      endpoint: 'https://blobs.example.com/x',
      tokenFile: '/t',
    });
  });

  it.each<[Record<string, unknown>, string, RegExp]>([
    [{ asset: 'In', ...key }, 'asset', /container/],
    [{ asset: 'https://acct.blob.core.windows.net/files', ...key }, 'asset', /container/],
    [{ asset: 'files/../x', ...key }, 'asset', /is none/],
    [{ asset: '$root/x', ...key }, 'asset', /is none/],
    [{ asset: [], ...key }, 'asset', /container/],
    [{ asset: ['files/a', 'files/a/b'], ...key }, 'asset', /files\/a\/b\/ lies within files\/a\//],
    [{ asset: ['files', 'files'], ...key }, 'asset', /lies within/],
    [{ asset: 'files', quarantine: '', ...key }, 'quarantine', /prefix/],
    [{ asset: 'files', quarantine: 's3://files/x', ...key }, 'quarantine', /az:/],
    [{ asset: 'files', quarantine: 'a/../b', ...key }, 'quarantine', /prefix/],
    [{ asset: 'files/q/x', quarantine: 'q', ...key }, 'quarantine', /must not hold the asset files\/q\/x/],
    [{ asset: 'files', quarantine: 'az://files', ...key }, 'quarantine', /must not hold/],
    [{ asset: 'files' }, 'identity', /one of connectionString, accountKey, sas, clientSecret, identity/],
    [{ asset: 'files', ...key, sas: 'sig=1' }, 'sas', /keep one/],
    [{ asset: 'files', accountKey: 'a2V5' }, 'account', /is missing/],
    [{ asset: 'files', accountKey: 'a2V5', endpoint: 'https://x' }, 'account', /signed/],
    [{ asset: 'files', connectionString: 'x', account: 'acct' }, 'account', /connectionString/],
    [{ asset: 'files', account: 'acct', clientSecret: 's', clientId: 'c' }, 'tenantId', /is missing/],
    [{ asset: 'files', account: 'acct', identity: 'managed', tenantId: 't' }, 'tenantId', /identity managed/],
    [{ asset: 'files', endpoint: 'http://x', identity: 'managed' }, 'endpoint', /https/],
    [{ asset: 'files', endpoint: 'http://x', sas: 'sv=1&sig=x' }, 'endpoint', /https/],
    [
      { asset: 'files', ...key, endpoint: 'https://x', endpointSuffix: 'core.windows.net' },
      'endpointSuffix',
      /endpoint/,
    ],
    [{ asset: 'files', ...key, endpoint: 'https://x?sig=1' }, 'endpoint', /no query/],
    [{ asset: 'files', ...key, tags: 'blob' }, 'tags', /index or metadata/],
    [{ asset: 'files', ...key, pageSize: 6000 }, 'pageSize', /5000/],
  ])('refuses %j', (fields, field, message) => {
    const { problems } = load(fields);
    expect(problems).toContainEqual(
      expect.objectContaining({ field: `connectors[0].${field}`, text: expect.stringMatching(message) }),
    );
  });
});
