import type { Readable } from 'node:stream';
import { Storage } from '@google-cloud/storage';
import { createGcsConnector } from '../../../connectors/google-cloud-storage/connector.ts';
import { startApart } from './apart.ts';
import type { FakeGcsFacts } from './servers/fake-gcs.ts';
import { type BenchStore, drained } from './store.ts';

const BUCKET = 'bench';
/** The SDK's own pipes hang a dozen listeners on one stream, of which Node would warn. */
const LISTENERS = 16;

export async function benchGcs(): Promise<BenchStore> {
  const server = await startApart<FakeGcsFacts>('fake-gcs.ts');
  const { endpoint } = server.facts;
  // It keeps connections alive and checks CRC32C without being told.
  const storage = new Storage({
    apiEndpoint: endpoint,
    projectId: 'bench',
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
  const bucket = storage.bucket(BUCKET);
  await bucket.create();
  return {
    title: 'google_cloud_storage on fake-gcs-server',
    async put(name, bytes) {
      await bucket.file(name).save(Buffer.from(bytes), { resumable: false });
    },
    connector: async () => createGcsConnector({ id: 'bench', assets: [BUCKET], endpoint, projectId: 'bench' }),
    async *list(prefix) {
      const fields = 'nextPageToken,items(name)';
      for (let pageToken: string | undefined; ; ) {
        const query = { prefix, autoPaginate: false, maxResults: 1_000, fields, ...(pageToken && { pageToken }) };
        const [files, next] = await bucket.getFiles(query);
        for (const { name } of files) yield name;
        pageToken = (next as { pageToken?: string } | null)?.pageToken;
        if (pageToken === undefined) return;
      }
    },
    async read(name) {
      const stream = bucket.file(name).createReadStream({ decompress: false });
      stream.once('response', (response: Readable) => response.setMaxListeners(LISTENERS));
      return drained(stream);
    },
    stop: () => server.stop(),
  };
}
