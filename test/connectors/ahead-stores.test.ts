import { expect, test } from 'vitest';
import { createAwsS3Connector } from '../../connectors/aws-s3/connector.ts';
import { createAzureBlobConnector } from '../../connectors/azure-blob/connector.ts';
import { AHEAD, type AheadOptions } from '../../connectors/bucket/ahead-pages.ts';
import type { Connector, ListScope } from '../../connectors/connector.ts';
import { createGcsConnector } from '../../connectors/google-cloud-storage/connector.ts';
import { startAzurite } from '../../scripts/servers/azurite.ts';
import { startFakeGcs } from '../../scripts/servers/fake-gcs.ts';
import { startSeaweedfs } from '../../scripts/servers/seaweedfs.ts';
import { makeAzureStore } from './azure-blob-store.ts';
import { drain, itemsOf } from './conformance.ts';
import { makeGcsStore } from './gcs-store.ts';
import type { HttpStore } from './http-conformance.ts';
import type { Treatment } from './http-front.ts';
import { Bucket } from './s3-store.ts';

const EAGER: AheadOptions = { ...AHEAD, pagesBefore: 1 };
const CLOSED = 'dir-0001/';
const SCOPES: ListScope[] = [
  { includes: () => true, mayEnter: () => true },
  {
    includes: (location) => !location.endsWith('3') && !location.startsWith(CLOSED),
    mayEnter: (folder) => folder !== CLOSED,
  },
];

/** Lists with ranges at once what one range lists, from the beginning and from behind any of `cuts` events. */
async function listsAlike(
  store: Pick<HttpStore, 'putMany'>,
  count: number,
  make: (ahead: AheadOptions) => Connector,
): Promise<void> {
  const folder = Math.ceil(count / 7);
  const names = Array.from({ length: count }, (_, i) => {
    const below = `dir-${String(Math.floor(i / folder)).padStart(4, '0')}`;
    return `${below}/${String(i % folder).padStart(6, '0')}`;
  });
  await store.putMany(names);
  const [one, many] = [make({ ...AHEAD, ranges: 1 }), make(EAGER)];
  try {
    for (const scope of SCOPES) {
      const single = await drain(one.list(scope, undefined));
      const before = itemsOf(single.events);
      const kept = names.filter(scope.includes);
      expect(before.map(({ location }) => location)).toEqual(kept);
      const whole = await drain(many.list(scope, undefined));
      expect(itemsOf(whole.events)).toEqual(before);
      for (const part of [0.1, 0.33, 0.5, 0.9]) {
        const cut = Math.floor(whole.events.length * part);
        const rest = await drain(many.list(scope, JSON.parse(JSON.stringify(whole.positions[cut]))));
        expect(itemsOf(rest.events)).toEqual(itemsOf(whole.events.slice(cut)));
      }
    }
  } finally {
    await one.close();
    await many.close();
  }
}

test('Azurite: ranges at once list what one lists', async () => {
  const server = await startAzurite();
  try {
    const store = await makeAzureStore(server, { pageSize: 20 });
    await listsAlike(store, 600, (ahead) => createAzureBlobConnector(store.settings, ahead));
    await store.close();
  } finally {
    await server.stop();
  }
});

/** A listing as the service answers it: the fake takes minutes to be given so many objects. */
function answering(names: readonly string[], url: string): Treatment {
  const query = new URL(url, 'http://x').searchParams;
  const start = query.get('pageToken') ?? query.get('startOffset') ?? '';
  const left = names.filter((name) => name >= start);
  const items = left.slice(0, Number(query.get('maxResults'))).map((name) => ({ name, generation: '1', size: '1' }));
  const body = JSON.stringify({ kind: 'storage#objects', items, nextPageToken: left[items.length] });
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

test('Google Cloud Storage: ranges at once list what one lists', async () => {
  const server = await startFakeGcs();
  try {
    const store = await makeGcsStore(server);
    const putMany = async (names: readonly string[]) => {
      store.front.treat = ({ url }) => answering(names, url);
    };
    await listsAlike({ putMany }, 9_000, (ahead) => createGcsConnector(store.settings, ahead));
    await store.close();
  } finally {
    await server.stop();
  }
});

test.each([undefined, 'Enabled'] as const)(
  'SeaweedFS, versions %s: ranges at once list what one lists',
  async (versions) => {
    const server = await startSeaweedfs();
    try {
      const bucket = await Bucket.make(server, 'ranges', versions);
      const store = await bucket.store();
      const { accessKeyId, secretAccessKey } = server;
      const keys = { accessKeyId: { reveal: () => accessKeyId }, secretAccessKey: { reveal: () => secretAccessKey } };
      const access = { kind: 'keys', ...keys } as const;
      const settings = { id: 's3', assets: [`${bucket.name}/${store.prefix}`], endpoint: server.endpoint, access };
      await listsAlike(store, 3_500, (ahead) => createAwsS3Connector(settings, ahead));
      await store.front.close();
      await store.connector.close();
    } finally {
      await server.stop();
    }
  },
  180_000,
);
