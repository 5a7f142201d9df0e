import type { Readable } from 'node:stream';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { createAzureBlobConnector } from '../../../connectors/azure-blob/connector.ts';
import { startAzurite } from '../../../scripts/servers/azurite.ts';
import { type BenchStore, drained, hidden } from './store.ts';

const CONTAINER = 'bench';

export async function benchAzure(): Promise<BenchStore> {
  const { endpoint, account, key, stop } = await startAzurite();
  // Its connections are kept alive without being told.
  const service = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(account, key), {
    retryOptions: { maxTries: 1 },
  });
  const container = service.getContainerClient(CONTAINER);
  await container.create();
  return {
    title: 'azure_blob_storage on Azurite',
    async put(name, bytes) {
      await container.getBlockBlobClient(name).upload(Buffer.from(bytes), bytes.length);
    },
    connector: async () =>
      createAzureBlobConnector({
        id: 'bench',
        assets: [{ container: CONTAINER, prefix: '' }],
        access: { method: 'account-key', endpoint, account, accountKey: hidden(key) },
        tags: 'index',
        purge: false,
        pageSize: 1_000,
      }),
    async *list(prefix) {
      for await (const page of container.listBlobsFlat({ prefix }).byPage({ maxPageSize: 1_000 })) {
        for (const { name } of page.segment.blobItems) yield name;
      }
    },
    async read(name) {
      const { readableStreamBody } = await container
        .getBlobClient(name)
        .download(0, undefined, { maxRetryRequests: 0 });
      return drained(readableStreamBody as Readable);
    },
    stop,
  };
}
