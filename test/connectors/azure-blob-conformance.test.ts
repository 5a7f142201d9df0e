import { afterAll, beforeAll } from 'vitest';
import { type AzuriteServer, startAzurite } from '../../scripts/servers/azurite.ts';
import { makeAzureStore } from './azure-blob-store.ts';
import { connectorConformance } from './conformance.ts';

let server: AzuriteServer;
beforeAll(async () => {
  server = await startAzurite();
}, 300_000);
afterAll(() => server.stop());

/** Azurite takes `\` for `/`, as Azure does, and can't list the other two, which no XML can hold. */
const without = ['back\\slash', '\u0001control', '\uffff'].map((name) => Buffer.from(name));
const make = () => makeAzureStore(server);

connectorConformance({ name: 'azure_blob_storage', make, anyBytes: false, without });
connectorConformance({
  name: 'azure_blob_storage, below a prefix, tags as metadata',
  make: () => makeAzureStore(server, { prefix: 'team a/in/', tags: 'metadata', purge: true }),
  anyBytes: false,
  without,
});
