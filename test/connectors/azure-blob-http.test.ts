import { afterAll, beforeAll } from 'vitest';
import { type AzuriteServer, startAzurite } from '../../scripts/servers/azurite.ts';
import { makeAzureStore } from './azure-blob-store.ts';
import { httpConformance } from './http-conformance.ts';

let server: AzuriteServer;
beforeAll(async () => {
  server = await startAzurite();
}, 300_000);
afterAll(() => server.stop());

const common = { anyBytes: false, pageSize: 100, longestName: 1024 };

httpConformance({
  ...common,
  name: 'azure_blob_storage, index tags',
  make: () => makeAzureStore(server),
  // The condition of index tags is newer than Azurite: there the version is looked at afterwards.
  unconditional: ['tag'],
});
httpConformance({
  ...common,
  name: 'azure_blob_storage, tags as metadata',
  make: () => makeAzureStore(server, { tags: 'metadata', purge: true }),
});
