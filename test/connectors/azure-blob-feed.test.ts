import { QueueServiceClient } from '@azure/storage-queue';
import { expect, test } from 'vitest';
import { Secret } from '../../config/secret.ts';
import { createStorageQueueFeed } from '../../connectors/azure-blob/feed.ts';
import type { AzureBlobSettings } from '../../connectors/azure-blob/settings.ts';
import { type AzuriteServer, startAzurite } from '../../scripts/servers/azurite.ts';
import { feedConformance } from './feed-conformance.ts';

let server: AzuriteServer;
let stages = 0;
let writes = 0;

async function start(): Promise<void> {
  server = await startAzurite('queue');
}

/** As Event Grid writes it: there is none of it here. */
function created(container: string, name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  writes += 1;
  return {
    topic: `/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/${server.account}`,
    subject: `/blobServices/default/containers/${container}/blobs/${name}`,
    eventType: 'Microsoft.Storage.BlobCreated',
    id: `event-${writes}`,
    data: { api: 'PutBlob', eTag: `0x${writes}`, contentLength: 5, sequencer: writes.toString(16).padStart(48, '0') },
    eventTime: '2026-11-23T10:00:00.1234567Z',
    ...more,
  };
}

async function makeStage() {
  const name = `feed-${process.pid}-${stages++}`;
  const queue = QueueServiceClient.fromConnectionString(server.connectionString).getQueueClient(name);
  await queue.create();
  const settings: AzureBlobSettings = {
    id: 'blobs',
    assets: [{ container: 'docs', prefix: 'in/' }],
    access: { method: 'connection-string', connectionString: new Secret(server.connectionString) },
    tags: 'index',
    purge: false,
    pageSize: 1000,
  };
  const send = async (event: unknown) => {
    await queue.sendMessage(Buffer.from(JSON.stringify(event)).toString('base64'));
  };
  const pull = { kind: 'storage-queue' as const, queue: name, visibility: 3 };
  return {
    queue,
    settings,
    pull,
    send,
    lapseMs: 3_000,
    put: (location: string) => send(created('docs', `in/${location}`)),
    junk: async () => {
      await queue.sendMessage('no event');
    },
    open: async () => createStorageQueueFeed(settings, pull, 1_000),
    close: async () => {
      await queue.delete();
    },
  };
}

feedConformance('a storage queue', { start, stage: makeStage, stop: () => server.stop() });

test('both schemas, lists and plain text are read; deletions, other places and other accounts are no events', async () => {
  await start();
  const stage = await makeStage();
  try {
    const { eventType: _, eventTime: __, topic, ...cloud } = created('docs', 'in/cloud.txt');
    await stage.send({
      ...cloud,
      specversion: '1.0',
      type: 'Microsoft.Storage.BlobCreated',
      source: topic,
      time: '2026-01-01T00:00:00Z',
    });
    await stage.send([created('docs', 'in/one.txt'), created('docs', 'in/two.txt')]);
    await stage.queue.sendMessage(JSON.stringify(created('docs', 'in/plain.txt')));
    await stage.send(created('docs', 'in/gone.txt', { eventType: 'Microsoft.Storage.BlobDeleted' }));
    await stage.send(created('docs', 'out/elsewhere.txt'));
    await stage.send(created('other', 'in/elsewhere.txt'));
    await stage.send(created('docs', 'dsxconnect-quarantine/moved.txt'));
    await stage.send(created('docs', 'in/x.txt', { topic: `${topic}other` }));
    await stage.send(created('docs', 'in/y.txt', { data: { api: 'CreateFile', contentLength: 0 } }));
    const feed = await stage.open();
    const locations: string[] = [];
    let ignored = 0;
    while (locations.length < 4 || ignored < 6) {
      const batch = await feed.next(AbortSignal.timeout(20_000));
      locations.push(...batch.events.map(({ location }) => location));
      ignored += batch.ignored ?? 0;
      await batch.acknowledge();
    }
    expect(locations.sort()).toEqual(['cloud.txt', 'one.txt', 'plain.txt', 'two.txt']);
    expect(ignored).toBe(6);
    expect((await stage.queue.getProperties()).approximateMessagesCount).toBe(0);
    await feed.close();
    const missing = createStorageQueueFeed(stage.settings, { ...stage.pull, queue: 'missing' });
    await expect(missing.next(AbortSignal.timeout(20_000))).rejects.toMatchObject({ code: 'configuration' });
    await missing.close();
  } finally {
    await stage.close();
    await server.stop();
  }
}, 120_000);
