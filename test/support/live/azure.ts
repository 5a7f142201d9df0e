import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { startAzurite } from '../../../scripts/servers/azurite.ts';
import type { LiveSource } from './live.ts';

const NAME = 'live';
/** Between two looks for what is new in the container. */
const LOOK_MS = 100;

/** A container of Azurite, and a queue that is told what is written to it, by what plays Event Grid. */
export async function liveAzure(): Promise<LiveSource> {
  const [blobs, queues] = await Promise.all([startAzurite('blob'), startAzurite('queue')]);
  const container = BlobServiceClient.fromConnectionString(blobs.connectionString).getContainerClient(NAME);
  const queue = QueueServiceClient.fromConnectionString(queues.connectionString).getQueueClient(NAME);
  await container.create();
  await queue.create();
  const topic = `/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/${blobs.account}`;
  const told = new Map<string, string>();
  let writes = 0;
  /** All that is written, whoever wrote it. */
  const look = async (): Promise<void> => {
    for await (const { name, properties } of container.listBlobsFlat()) {
      const { etag = '', contentLength = 0, lastModified } = properties;
      if (told.get(name) === etag) continue;
      told.set(name, etag);
      const sequencer = (++writes).toString(16).padStart(48, '0');
      const event = {
        topic,
        subject: `/blobServices/default/containers/${NAME}/blobs/${name}`,
        eventType: 'Microsoft.Storage.BlobCreated',
        id: `event-${writes}`,
        data: { api: 'PutBlob', eTag: etag.replaceAll('"', ''), contentLength, sequencer },
        eventTime: lastModified.toISOString(),
      };
      await queue.sendMessage(Buffer.from(JSON.stringify(event)).toString('base64'));
    }
  };
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch(() => undefined);
  }, LOOK_MS);
  const names = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { name } of container.listBlobsFlat({ prefix })) found.push(name);
    return found;
  };
  return {
    connector: {
      id: 'azure',
      kind: 'azure_blob_storage',
      asset: `${NAME}/in`,
      action: 'move',
      connectionString: blobs.connectionString,
      watch: {
        pull: { 'storage-queue': { queue: NAME, connectionString: queues.connectionString, visibility: '10s' } },
      },
    },
    tellsOfQuarantine: true,
    put: async (location, bytes) => {
      await container.getBlockBlobClient(`in/${location}`).uploadData(Buffer.from(bytes));
    },
    locations: async () => (await names('in/')).map((name) => name.slice('in/'.length)),
    quarantined: async () => {
      const moved = await names('dsxconnect-quarantine/');
      return await Promise.all(
        moved.map(async (name) => (await container.getBlobClient(name).downloadToBuffer()).toString()),
      );
    },
    close: async () => {
      clearInterval(timer);
      await looking;
      await Promise.all([blobs.stop(), queues.stop()]);
    },
  };
}
