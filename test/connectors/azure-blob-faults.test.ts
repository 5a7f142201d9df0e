import { getEventListeners } from 'node:events';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AzuriteServer, startAzurite } from '../../scripts/servers/azurite.ts';
import { type AzureStore, answer, makeAzureStore } from './azure-blob-store.ts';
import { intentOn, listed, readWhole } from './conformance.ts';

const signal = new AbortController().signal;
const evil = { location: 'dir/evil' };

let server: AzuriteServer;
let store: AzureStore;
beforeAll(async () => {
  server = await startAzurite();
}, 300_000);
afterAll(() => server?.stop());
beforeEach(async () => {
  store = await makeAzureStore(server);
  await store.put(Buffer.from(evil.location), Buffer.from('evil bytes'));
});
afterEach(() => store?.close());

describe('a store that fails at a bad moment', () => {
  test('a move keeps its copy when the look after the deletion is refused', async () => {
    const intent = await intentOn(store.connector, evil, 'move');
    let deleted = false;
    store.front.treat = ({ method, url }) => {
      const onItem = url.split('?')[0]?.endsWith('/dir/evil') === true;
      if (method === 'DELETE' && onItem) deleted = true;
      return deleted && onItem && method === 'HEAD' ? answer(403, 'AuthorizationPermissionMismatch') : 'pass';
    };
    const report = await store.connector.act(intent, signal);
    expect((await store.quarantined(intent.destination as string))?.toString()).toBe('evil bytes');
    expect(report).toMatchObject({ state: 'failed', code: 'storage_error' });
    store.front.calm();
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'already_applied' });
  });

  test('a deletion keeps its mark then, so that a repeat knows that it was done', async () => {
    const intent = await intentOn(store.connector, evil, 'delete');
    let deleted = false;
    store.front.treat = ({ method, url }) => {
      const onItem = url.split('?')[0]?.endsWith('/dir/evil') === true;
      if (method === 'DELETE' && onItem) deleted = true;
      return deleted && onItem && method === 'HEAD' ? answer(403, 'AuthorizationPermissionMismatch') : 'pass';
    };
    await store.connector.act(intent, signal);
    store.front.calm();
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'already_applied' });
  });

  test.each(['delete', 'move', 'tag'] as const)('%s that is asked to slow down is no failure', async (action) => {
    const intent = await intentOn(store.connector, evil, action);
    store.front.treat = () => store.answers.throttled;
    await expect(store.connector.act(intent, signal)).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 2_000 });
  });

  test('a listing that is given the same page again ends with an error, not never', async () => {
    const body = `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://x/" ContainerName="c"><Blobs /><NextMarker>same</NextMarker></EnumerationResults>`;
    const headers = { 'content-type': 'application/xml', 'x-ms-request-id': 'r' };
    store.front.treat = () => ({ status: 200, headers, body });
    const listing = store.connector.list({ includes: () => true, mayEnter: () => true }, undefined);
    await expect(listing.nextBatch(10, AbortSignal.timeout(3_000))).rejects.toMatchObject({ code: 'storage_error' });
  });
});

test.each([
  ['packed', gzipSync('evil bytes')],
  ['not packed', Buffer.from('evil bytes')],
])('a blob that is said to be packed, and is %s, comes as it is stored', async (_, bytes) => {
  const blob = store.container.getBlockBlobClient('labelled');
  await blob.upload(bytes, bytes.length, { blobHTTPHeaders: { blobContentEncoding: 'gzip' } });
  expect((await readWhole(store.connector, { location: 'labelled' })).bytes.equals(bytes)).toBe(true);
});

describe('check, with quarantine in another container', () => {
  test.each(['delete', 'move', 'tag'] as const)(
    '%s: what is refused in the container of the items is told',
    async (action) => {
      const other = `${store.container.containerName}-q`;
      const service = (await import('@azure/storage-blob')).BlobServiceClient.fromConnectionString(
        server.connectionString,
      );
      await service.createContainer(other);
      const connector = store.with({ quarantine: `az://${other}` });
      expect(await connector.check(action, signal)).toMatchObject({ ok: true });
      store.front.treat = ({ method, url }) =>
        ['PUT', 'DELETE'].includes(method) && url.includes(`/${store.container.containerName}/`)
          ? answer(403, 'AuthorizationPermissionMismatch')
          : 'pass';
      const report = await connector.check(action, signal);
      expect(report.ok).toBe(false);
      expect(report.checks.find(({ ok }) => !ok)?.detail).toMatch(/Storage Blob Data (Contributor|Owner)/);
    },
  );
});

test('a blob with bytes that says that it is a folder is an item all the same', async () => {
  const blob = store.container.getBlockBlobClient('hidden');
  await blob.upload('evil', 4, { metadata: { hdi_isfolder: 'true' } });
  const found = (await listed(store.connector)).map(({ location }) => location);
  expect(found).toEqual(['dir/evil', 'hidden']);
  expect((await readWhole(store.connector, { location: 'hidden' })).bytes.toString()).toBe('evil');
  expect(await store.connector.stat({ location: 'hidden' }, signal)).toMatchObject({ size: 4 });
});

test('a signal that lives as long as a worker keeps no listeners', async () => {
  const { signal: long } = new AbortController();
  for (let n = 0; n < 20; n++) {
    await store.connector.stat(evil, long);
    const open = await store.connector.open(evil, long);
    if (n % 2 === 0) for await (const _ of open.read(long));
    await open.close();
    const listing = store.connector.list({ includes: () => true, mayEnter: () => true }, undefined);
    await listing.nextBatch(10, long);
    await listing.close();
    await store.connector.stat({ location: 'absent' }, long).catch(() => undefined);
  }
  // What ends with a connection ends in its own time.
  await expect.poll(() => getEventListeners(long, 'abort').length, { timeout: 5_000 }).toBe(0);
});
