import { afterAll, beforeAll } from 'vitest';
import { type AzuriteServer, startAzurite } from '../../scripts/servers/azurite.ts';
import { makeAzureStore } from './azure-blob-store.ts';
import { connectorConformance } from './conformance.ts';

let server: AzuriteServer;
beforeAll(async () => {
  server = await startAzurite();
}, 300_000);
afterAll(() => server.stop());

connectorConformance({
  name: 'azure_blob_storage',
  make: () => makeAzureStore(server),
  anyBytes: false,
});
