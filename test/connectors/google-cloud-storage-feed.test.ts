import { PubSub } from '@google-cloud/pubsub';
import { expect, test } from 'vitest';
import { createPubSubFeed } from '../../connectors/google-cloud-storage/feed.ts';
import { type FakeGcs, startFakeGcs } from '../../scripts/servers/fake-gcs.ts';
import { type PubSubServer, startPubSub } from '../../scripts/servers/pubsub.ts';
import { feedConformance } from './feed-conformance.ts';
import { makeGcsStore } from './gcs-store.ts';

const PROJECT = 'project-one';
const TOPIC = 'changes';
let pubSub: PubSubServer;
let gcs: FakeGcs;
let client: PubSub;
let stages = 0;

async function start(): Promise<void> {
  pubSub = await startPubSub();
  client = new PubSub({ projectId: PROJECT, apiEndpoint: pubSub.address, emulatorMode: true });
  await client.createTopic(TOPIC);
  gcs = await startFakeGcs({ address: pubSub.address, project: PROJECT, topic: TOPIC });
}

/** A bucket whose changes come through a subscription of its own. */
async function makeStage() {
  const store = await makeGcsStore(gcs, { prefix: 'in/' });
  const name = `feed-${stages++}`;
  await client.topic(TOPIC).createSubscription(name, { ackDeadlineSeconds: 10 });
  const subscription = `projects/${PROJECT}/subscriptions/${name}`;
  const pull = { kind: 'pubsub' as const, subscription, endpoint: `http://${pubSub.address}` };
  return {
    store,
    pull,
    lapseMs: 10_000,
    put: async (location: string) => {
      await store.plant(`in/${location}`, 'bytes');
    },
    junk: async () => {
      await client.topic(TOPIC).publishMessage({ data: Buffer.from('no event') });
    },
    open: async () => createPubSubFeed(store.settings, pull, 1_000),
    close: () => store.close(),
  };
}

async function stop(): Promise<void> {
  await client.close();
  await gcs.stop();
  await pubSub.stop();
}

feedConformance('Pub/Sub', { start, stage: makeStage, stop });

test('changes of metadata, deletions, other prefixes and quarantine are no events', async () => {
  await start();
  const stage = await makeStage();
  try {
    await stage.store.plant('in/tagged.txt', 'bytes', { metadata: { verdict: 'Malicious' } });
    await stage.store.plant('out/elsewhere.txt', 'bytes');
    await stage.store.plant('dsxconnect-quarantine/moved.txt', 'bytes');
    await stage.store.remove(Buffer.from('tagged.txt'));
    const feed = await stage.open();
    const locations: string[] = [];
    let ignored = 0;
    while (locations.length === 0 || ignored < 4) {
      const batch = await feed.next(AbortSignal.timeout(20_000));
      locations.push(...batch.events.map(({ location }) => location));
      ignored += batch.ignored ?? 0;
      await batch.acknowledge();
    }
    expect(locations).toEqual(['tagged.txt']);
    expect(ignored).toBe(4);
    await feed.close();
    const missing = createPubSubFeed(stage.store.settings, {
      ...stage.pull,
      subscription: `${stage.pull.subscription}x`,
    });
    await expect(missing.next(AbortSignal.timeout(20_000))).rejects.toMatchObject({ code: 'configuration' });
    await missing.close();
  } finally {
    await stage.close();
    await stop();
  }
}, 400_000);
