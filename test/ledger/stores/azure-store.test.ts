import { inspect } from 'node:util';
import { BlobServiceClient, ContainerSASPermissions } from '@azure/storage-blob';
import { expect, test } from 'vitest';
import { Secret } from '../../../config/secret.ts';
import { openAzureStore } from '../../../ledger/stores/azure-store.ts';
import { startAzurite } from '../../../scripts/servers/azurite.ts';
import { names, refused } from '../store-conformance.ts';
import { bucketSuite } from './bucket-suite.ts';

bucketSuite('an Azure container', async () => {
  const server = await startAzurite();
  const { account, key, connectionString } = server;
  await BlobServiceClient.fromConnectionString(connectionString).getContainerClient('ledgers').create();
  const open = (origin: string, bucket: string, prefix: string, pageItems?: number) => {
    const place = `az://${account}/${bucket}/${prefix.slice(0, -1)}`;
    const access = { endpoint: `${origin}/${account}`, accountKey: new Secret(key) };
    return openAzureStore(place, { account, bucket, prefix }, access, pageItems);
  };
  return {
    origin: new URL(server.endpoint).origin,
    open: (origin, prefix, pageItems) => open(origin, 'ledgers', prefix, pageItems),
    openAbsent: (origin) => open(origin, 'absent', 'ledger/'),
    refusal: (status, code) => ({
      status,
      headers: { 'content-type': 'application/xml', 'x-ms-error-code': code },
      body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
    }),
    codes: {
      throttled: 'ServerBusy',
      forbidden: 'AuthorizationPermissionMismatch',
      absent: 'ContainerNotFound',
      stranger: [403, 'AuthenticationFailed'],
    },
    stop: () => server.stop(),
  };
});

test('a signature that may read, write and list is enough, shows nowhere, and removing is refused as such', async () => {
  const server = await startAzurite();
  try {
    const service = BlobServiceClient.fromConnectionString(server.connectionString);
    const container = service.getContainerClient('ledgers');
    await container.create();
    const url = await container.generateSasUrl({
      permissions: ContainerSASPermissions.parse('rcwl'),
      expiresOn: new Date(Date.now() + 3_600_000),
    });
    const access = { endpoint: server.endpoint, sasToken: new Secret(new URL(url).search) };
    const where = { account: server.account, bucket: 'ledgers', prefix: 'l/' };
    const store = await openAzureStore('az://dsxtest/ledgers/l', where, access);
    await store.put('a', Buffer.from('1'));
    await store.put('a', Buffer.from('1'));
    await refused(store.put('a', Buffer.from('2')), 'conflict');
    expect((await store.get('a')).toString()).toBe('1');
    expect(await names(store, '')).toEqual(['a']);
    const denied = await store.delete('a').catch((caught: unknown) => caught);
    expect(denied).toMatchObject({ code: 'not_writable' });
    expect(inspect(denied, { depth: 10, showHidden: true })).not.toMatch(/sig=/);
    const { port } = new URL(server.endpoint);
    await server.stop();
    const error = await store.get('a').catch((caught: unknown) => caught);
    expect(String(error)).toContain(`127.0.0.1:${port}`);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/sig=/);
  } finally {
    await server.stop();
  }
}, 60_000);
