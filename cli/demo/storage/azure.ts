import { createHash } from 'node:crypto';
import { BlobServiceClient } from '@azure/storage-blob';
import { startAzurite } from '../../../scripts/servers/azurite.ts';
import { apart, DEMO_QUARANTINE, type DemoStorage, reference } from './storage.ts';

const CONTAINER = 'demo';
/** Azure takes a backslash for a slash; Azurite lists no name with a character that XML does not have. */
const REFUSED = /[\\\u{fffe}\u{ffff}]|(?![\t\n\r])\p{Cc}/u;

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
    holds: (location) => !REFUSED.test(location),
    async put(name, bytes) {
      await container.getBlockBlobClient(name).uploadData(bytes);
    },
    async contents() {
      const found = new Map<string, string>();
      for await (const { name } of container.listBlobsFlat()) {
        const { readableStreamBody } = await container.getBlockBlobClient(name).download();
        const hash = createHash('sha256');
        for await (const chunk of readableStreamBody ?? []) hash.update(chunk as Buffer);
        found.set(name, hash.digest('hex'));
      }
      return apart(found);
    },
    stop: () => server.stop(),
  };
}
