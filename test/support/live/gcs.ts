import { PubSub } from '@google-cloud/pubsub';
import { startFakeGcs } from '../../../scripts/servers/fake-gcs.ts';
import { startPubSub } from '../../../scripts/servers/pubsub.ts';
import type { LiveSource } from './live.ts';

const PROJECT = 'project-one';
const NAME = 'live';

/** A bucket of fake-gcs-server whose changes come through Google's in-memory Pub/Sub. */
export async function liveGcs(): Promise<LiveSource> {
  const pubSub = await startPubSub();
  const client = new PubSub({ projectId: PROJECT, apiEndpoint: pubSub.address, emulatorMode: true });
  await client.createTopic(NAME);
  await client.topic(NAME).createSubscription(NAME, { ackDeadlineSeconds: 10 });
  const gcs = await startFakeGcs({ address: pubSub.address, project: PROJECT, topic: NAME });
  const base = `${gcs.endpoint}/storage/v1/b`;
  const ask = async (url: string, init: RequestInit = {}): Promise<string> => {
    const answer = await fetch(url, init);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
    return text;
  };
  const json = { 'content-type': 'application/json' };
  await ask(`${base}?project=${PROJECT}`, { method: 'POST', body: JSON.stringify({ name: NAME }), headers: json });
  const keys = async (prefix: string): Promise<string[]> => {
    const { items = [] } = JSON.parse(await ask(`${base}/${NAME}/o?prefix=${prefix}`)) as {
      items?: { name: string }[];
    };
    return items.map(({ name }) => name);
  };
  return {
    connector: {
      id: 'gcs',
      kind: 'google_cloud_storage',
      asset: `${NAME}/in/`,
      action: 'move',
      endpoint: gcs.endpoint,
      projectId: PROJECT,
      watch: {
        pull: {
          pubsub: { subscription: `projects/${PROJECT}/subscriptions/${NAME}`, endpoint: `http://${pubSub.address}` },
        },
      },
    },
    tellsOfQuarantine: true,
    put: async (location, body) => {
      const name = encodeURIComponent(`in/${location}`);
      await ask(`${gcs.endpoint}/upload/storage/v1/b/${NAME}/o?uploadType=media&name=${name}`, {
        method: 'POST',
        body,
      });
    },
    locations: async () => (await keys('in/')).map((key) => key.slice('in/'.length)),
    quarantined: async () => {
      const moved = await keys('dsxconnect-quarantine/');
      return await Promise.all(moved.map((key) => ask(`${base}/${NAME}/o/${encodeURIComponent(key)}?alt=media`)));
    },
    close: async () => {
      await client.close();
      await gcs.stop();
      await pubSub.stop();
    },
  };
}
