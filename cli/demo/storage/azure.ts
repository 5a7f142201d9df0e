import { createHash } from 'node:crypto';
import { BlobServiceClient } from '@azure/storage-blob';
import { startAzurite } from '../../../scripts/servers/azurite.ts';
import { apart, DEMO_QUARANTINE, type DemoStorage, reference } from './storage.ts';

const CONTAINER = 'demo';

/** A container of Azure Blob Storage in Azurite. */
export async function startAzureStorage(): Promise<DemoStorage> {
  const server = await startAzurite();
  const container = BlobServiceClient.fromConnectionString(server.connectionString).getContainerClient(CONTAINER);
  await container.create();
  return {
    title: `a container in Azurite at ${server.endpoint}`,
    connector: {
      kind: 'azure_blob_storage',
      asset: CONTAINER,
      quarantine: DEMO_QUARANTINE,
      connectionString: reference('DEMO_CONNECTION_STRING'),
    },
    env: { DEMO_CONNECTION_STRING: server.connectionString },
    // Azure takes a backslash for a slash.
    holds: (location) => !location.includes('\\'),
    async put(name, bytes) {
      await container.getBlockBlobClient(name).uploadData(bytes);
    },
    async contents() {
      const found = new Map<string, string>();
      for await (const { name } of container.listBlobsFlat()) {
        const bytes = await container.getBlockBlobClient(name).downloadToBuffer();
        found.set(name, createHash('sha256').update(bytes).digest('hex'));
      }
      return apart(found);
    },
    stop: () => server.stop(),
  };
}
