import { afterAll, beforeAll } from 'vitest';
import { type AzuriteServer, startAzurite } from '../../scripts/servers/azurite.ts';
import { AZURITE_GAPS, makeAzureStore } from './azure-blob-store.ts';
import { connectorConformance } from './conformance.ts';

let server: AzuriteServer;
beforeAll(async () => {
  server = await startAzurite();
}, 300_000);
afterAll(() => server.stop());

const make = () => makeAzureStore(server);

connectorConformance({ name: 'azure_blob_storage', make, anyBytes: false, without: AZURITE_GAPS });
connectorConformance({
  name: 'azure_blob_storage, below a prefix, tags as metadata',
  make: () => makeAzureStore(server, { prefix: 'team a/in/', tags: 'metadata', purge: true }),
  anyBytes: false,
  without: AZURITE_GAPS,
});
