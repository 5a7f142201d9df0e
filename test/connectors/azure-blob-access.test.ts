import { inspect } from 'node:util';
import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { failure } from '../../connectors/azure-blob/failures.ts';
import type { AzureAccess } from '../../connectors/azure-blob/settings.ts';
import { createConnectors } from '../../connectors/registry.ts';
import { type AzuriteServer, startAzurite } from '../../scripts/servers/azurite.ts';
import { type AzureStore, answer, makeAzureStore } from './azure-blob-store.ts';
import { intentOn, listed, rowOf } from './conformance.ts';

const signal = new AbortController().signal;
const at = (text: string) => Buffer.from(text);
const hidden = (text: string) => ({ reveal: () => text });

let server: AzuriteServer;
let store: AzureStore;
beforeAll(async () => {
  server = await startAzurite();
}, 300_000);
afterAll(() => server.stop());
beforeEach(async () => {
  store = await makeAzureStore(server);
  await store.put(at('dir/evil'), at('evil bytes'));
});
afterEach(() => store.close());

function signature(permissions: string): AzureAccess {
  const query = generateBlobSASQueryParameters(
    {
      containerName: store.container.containerName,
      permissions: ContainerSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + 3_600_000),
    },
    new StorageSharedKeyCredential(server.account, server.key),
  );
  return { method: 'sas', endpoint: server.endpoint, sas: hidden(`?${query}`) };
}

describe('access', () => {
  test.each([
    ['as it is', (text: string) => text],
    ['in quotes', (text: string) => `"${text}"`],
    ['with escaped semicolons', (text: string) => text.replaceAll(';', '\\;')],
    ['in base64', (text: string) => Buffer.from(text).toString('base64')],
    ['in base64 of quotes', (text: string) => Buffer.from(`'${text}'\n`).toString('base64')],
  ])('by a connection string %s', async (_, form) => {
    const access = { method: 'connection-string', connectionString: hidden(form(server.connectionString)) } as const;
    expect(await listed(store.with({ access }))).toMatchObject([{ location: 'dir/evil' }]);
  });

  test('by a shared access signature, with which items are moved and restored too', async () => {
    const connector = store.with({ access: signature('racwdlt'), tags: 'metadata' });
    const intent = await intentOn(connector, { location: 'dir/evil' }, 'movetag');
    const report = await connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', code: 'applied' });
    expect(inspect(report, { depth: 9 })).not.toContain('sig=');
    expect(await connector.restore(rowOf(intent, report), signal)).toMatchObject({ state: 'done', code: 'applied' });
  });

  test('that is none is told without what was given', async () => {
    const connectors = createConnectors();
    for (const access of [
      { method: 'connection-string', connectionString: hidden('s3cret') },
      { method: 'sas', endpoint: server.endpoint, sas: hidden('s3cret') },
    ] as const) {
      const made = connectors.get({ kind: 'azure_blob_storage', ...store.settings, access });
      const error = await made.then(String, (raised: unknown) => raised);
      expect(error).toMatchObject({ code: 'configuration' });
      expect(inspect(error, { depth: 9 })).not.toContain('s3cret');
    }
  });

  test('that is refused is told without what was given', async () => {
    const sas = hidden('sv=2024-01-01&sr=c&sp=rl&se=2020-01-01T00:00:00Z&sig=s3cret');
    const wrongKey = hidden(Buffer.from('s3cret').toString('base64'));
    for (const access of [
      { method: 'sas', endpoint: server.endpoint, sas },
      { method: 'account-key', endpoint: server.endpoint, account: server.account, accountKey: wrongKey },
    ] as const) {
      const raised = await store
        .with({ access })
        .fingerprint(signal)
        .catch((error: unknown) => error);
      expect(['credentials', 'permission_denied']).toContain((raised as { code: string }).code);
      expect(inspect(raised, { depth: 9 })).not.toMatch(/s3cret|sig=/);
    }
  });

  test('to nobody is unreachable, and to no container a mistake', async () => {
    const access = { ...store.settings.access, endpoint: 'http://127.0.0.1:9/acct' } as AzureAccess;
    await expect(store.with({ access }).fingerprint(signal)).rejects.toMatchObject({ code: 'unreachable' });
    const nowhere = store.with({ assets: [{ container: 'not-there', prefix: '' }] });
    await expect(nowhere.fingerprint(signal)).rejects.toMatchObject({ code: 'configuration' });
    await expect(nowhere.open({ location: 'x' }, signal)).rejects.toMatchObject({ code: 'configuration' });
    expect(await nowhere.check('move', signal)).toMatchObject({ ok: false });
  });

  test('by an identity that there is not is told as credentials', async () => {
    const identity = {
      method: 'workload-identity',
      endpoint: 'https://127.0.0.1:9/acct',
      tenantId: 't',
      clientId: 'c',
    } as const;
    const connector = store.with({ access: { ...identity, tokenFile: '/nowhere/token' } });
    await expect(connector.fingerprint(signal)).rejects.toMatchObject({ code: 'credentials' });
  });
});

describe('the check', () => {
  test.each([
    ['rl', 'nothing', undefined],
    ['rl', 'delete', 'blobs/write'],
    ['rlcw', 'delete', 'blobs/delete'],
    ['rlcw', 'tag', 'blobs/tags/write'],
    ['rlcwdt', 'movetag', undefined],
    ['l', 'nothing', 'blobs/read'],
  ] as const)('with the permissions %s for %s names what is missing: %s', async (permissions, action, missing) => {
    const report = await store.with({ access: signature(permissions) }).check(action, signal);
    expect(report.ok).toBe(missing === undefined);
    const told = report.checks.filter(({ ok }) => !ok).map(({ detail }) => detail);
    if (missing === undefined) expect(told).toEqual([]);
    else expect(told.join()).toContain(missing);
    if (missing !== undefined) expect(told.join()).toMatch(/grant Storage Blob Data (Reader|Contributor|Owner)/);
  });

  test('leaves nothing in quarantine', async () => {
    for (const action of ['move', 'movetag', 'tag', 'delete'] as const) {
      expect(await store.connector.check(action, signal)).toMatchObject({ ok: true });
    }
    const names: string[] = [];
    for await (const { name } of store.container.listBlobsFlat()) names.push(name);
    expect(names).toEqual(['dir/evil']);
  });
});

describe('an answer of the store', () => {
  test.each([
    [401, 'InvalidAuthenticationInfo', 'credentials'],
    [403, 'AuthenticationFailed', 'credentials'],
    [403, 'KeyBasedAuthenticationNotPermitted', 'credentials'],
    [403, 'AuthorizationFailure', 'permission_denied'],
    [403, 'AuthorizationSourceIPMismatch', 'configuration'],
    [403, 'KeyVaultEncryptionKeyNotFound', 'customer_key'],
    [409, 'BlobUsesCustomerSpecifiedEncryption', 'customer_key'],
    [409, 'BlobArchived', 'archived'],
    [404, 'ContainerNotFound', 'configuration'],
    [404, 'BlobNotFound', 'not_found'],
    [412, 'ConditionNotMet', 'changed'],
    [429, 'TooManyRequests', 'throttled'],
    [503, 'ServerBusy', 'throttled'],
    [500, 'OperationTimedOut', 'storage_error'],
    [502, '', 'storage_error'],
    [400, 'OutOfRangeInput', 'not_an_item'],
  ])('%i %s is %s', async (status, code, expected) => {
    store.front.treat = () => answer(status, code);
    await expect(store.connector.open({ location: 'dir/evil' }, signal)).rejects.toMatchObject({ code: expected });
  });

  test('that is not the store’s is a mistake in the settings', async () => {
    store.front.treat = () => ({ status: 404, headers: { 'content-type': 'text/html' }, body: '<html></html>' });
    await expect(store.connector.open({ location: 'dir/evil' }, signal)).rejects.toMatchObject({
      code: 'configuration',
    });
  });

  test('names no address', () => {
    const error = Object.assign(new Error('GET https://acct/x?sig=s3cret'), {
      name: 'RestError',
      code: 'ECONNREFUSED',
    });
    const told = failure(error, { doing: 'opening', what: '"x"' });
    expect(told.code).toBe('unreachable');
    expect(inspect(told, { depth: 9 })).not.toContain('s3cret');
  });
});

test('a content hash that its writer made up keeps a blob from no judgement', async () => {
  const service = BlobServiceClient.fromConnectionString(server.connectionString);
  const blob = service.getContainerClient(store.container.containerName).getBlockBlobClient('wrong');
  await blob.upload('bytes', 5);
  await blob.setHTTPHeaders({ blobContentMD5: new Uint8Array(16) });
  const open = await store.connector.open({ location: 'wrong' }, signal);
  let bytes = 0;
  for await (const chunk of open.read(signal)) bytes += chunk.length;
  await open.confirm();
  expect(bytes).toBe(5);
  await open.close();
});
