import { randomBytes } from 'node:crypto';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Asset, ListScope } from '../../connectors/connector.ts';
import { type AzuriteServer, startAzurite } from '../../scripts/servers/azurite.ts';
import { type AzureStore, makeAzureStore } from './azure-blob-store.ts';
import { drain, itemsOf, listed, readWhole } from './conformance.ts';

const signal = new AbortController().signal;
const at = (text: string) => Buffer.from(text);

let server: AzuriteServer;
let store: AzureStore;
beforeAll(async () => {
  server = await startAzurite();
}, 300_000);
afterAll(() => server.stop());
beforeEach(async () => {
  store = await makeAzureStore(server);
});
afterEach(() => store.close());

const locations = async (connector = store.connector) => (await listed(connector)).map(({ location }) => location);

test('folders of a hierarchical namespace are no items, empty blobs and names with a slash at the end are', async () => {
  await store.put(at('dir/x'), at('x'));
  await store.put(at('empty'), Buffer.alloc(0));
  await store.put(at('dir-2/'), at('bytes'));
  await store.container.getBlockBlobClient('dir').upload('', 0, { metadata: { hdi_isfolder: 'true' } });
  expect(await locations()).toEqual(['dir-2/', 'dir/x', 'empty']);
  for (const call of ['open', 'stat'] as const) {
    await expect(store.connector[call]({ location: 'dir' }, signal)).rejects.toMatchObject({ code: 'not_an_item' });
  }
});

test('append and page blobs are items, and their bytes are read', async () => {
  const append = store.container.getAppendBlobClient('append');
  await append.create();
  await append.appendBlock('one', 3);
  await append.appendBlock('two', 3);
  const page = store.container.getPageBlobClient('page');
  await page.create(1024);
  await page.uploadPages(Buffer.alloc(512, 'p'), 512, 512);
  const items = await listed(store.connector);
  expect(items.map(({ location, size }) => [location, size])).toEqual([
    ['append', 6],
    ['page', 1024],
  ]);
  expect((await readWhole(store.connector, { location: 'append' })).bytes.toString()).toBe('onetwo');
  const { bytes } = await readWhole(store.connector, { location: 'page' });
  expect(bytes).toEqual(Buffer.concat([Buffer.alloc(512), Buffer.alloc(512, 'p')]));
});

test('what is in the archive tier is listed as such, and not read', async () => {
  await store.put(at('cold'), at('x'));
  await store.container.getBlobClient('cold').setAccessTier('Archive');
  expect(await listed(store.connector)).toMatchObject([{ location: 'cold', unscannable: { reason: 'archived' } }]);
  await expect(store.connector.open({ location: 'cold' }, signal)).rejects.toMatchObject({ code: 'archived' });
});

test('snapshots are left alone', async () => {
  await store.put(at('x'), at('old'));
  await store.container.getBlobClient('x').createSnapshot();
  await store.put(at('x'), at('new'));
  expect(await locations()).toEqual(['x']);
});

/** A listing as Azure answers, of blobs as XML. */
function page(blobs: readonly string[], next = ''): string {
  const all = blobs.map((blob) => `<Blob>${blob}</Blob>`).join('');
  return `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://x/" ContainerName="c"><Blobs>${all}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`;
}
const properties = (more = '') =>
  `<Properties><Last-Modified>Mon, 02 Nov 2026 10:00:00 GMT</Last-Modified><Etag>0x8D1</Etag><Content-Length>3</Content-Length><BlobType>BlockBlob</BlobType>${more}</Properties>`;
const headers = { 'content-type': 'application/xml', 'x-ms-request-id': 'r', 'x-ms-version': '2026-04-06' };

test('keys of customers, names that no XML can hold, and names that lead elsewhere are told', async () => {
  const key = '<CustomerProvidedKeySha256>aGFzaA==</CustomerProvidedKeySha256>';
  const blobs = [
    `<Name Encoded="true">a%01b%EF%BF%BF</Name>${properties()}`,
    `<Name>cpk</Name>${properties(key)}`,
    `<Name>d/../x</Name>${properties()}`,
  ];
  store.front.treat = () => ({ status: 200, headers, body: page(blobs) });
  const items = await listed(store.connector);
  expect(items[0]).toMatchObject({ location: 'a\u0001b\uffff', version: '0x8D1', size: 3 });
  expect(items[1]).toMatchObject({ location: 'cpk', unscannable: { reason: 'customer_key' } });
  expect(items[2]).toMatchObject({ location: 'd/../x', fault: { class: 'not_an_item' } });
});

test('a store that can not begin at a name is gone through from the page of the position', async () => {
  const names = Array.from({ length: 250 }, (_, i) => `n-${String(i).padStart(3, '0')}`);
  await store.putMany(names);
  // Such a store: it knows no startFrom.
  const pages = names.map((name) => `<Name>${name}</Name>${properties()}`);
  let asked: string[] = [];
  store.front.treat = ({ url }) => {
    const query = new URL(url, 'http://x').searchParams;
    asked.push(query.get('marker') ?? `from ${query.get('startFrom')}`);
    const start = Number(query.get('marker') ?? 0);
    return {
      status: 200,
      headers,
      body: page(pages.slice(start, start + 100), start + 100 < 250 ? `${start + 100}` : ''),
    };
  };
  const whole = await drain(store.connector.list({ includes: () => true, mayEnter: () => true }, undefined));
  expect(itemsOf(whole.events).map(({ location }) => location)).toEqual(names);
  for (const cut of [2, 100, 101, 199, 250]) {
    asked = [];
    const rest = await drain(
      store.another().list({ includes: () => true, mayEnter: () => true }, whole.positions[cut]),
    );
    expect(rest.events).toEqual(whole.events.slice(cut));
    const token = cut <= 100 ? 'from null' : cut <= 200 ? '100' : '200';
    expect(asked.slice(0, 3)).toEqual([`from ${names[cut - 1]}`, 'from null', token]);
  }
});

test('a store with an order of its own loses nothing when the item at the position is gone', async () => {
  // As a hierarchical namespace may: what lies in a folder right behind it.
  const names = ['a/x', 'a/y', 'a/z', 'a-b', 'b'];
  let gone = '';
  store.front.treat = ({ url }) => {
    const from = new URL(url, 'http://x').searchParams.get('startFrom');
    const left = names.slice(from === null ? 0 : names.indexOf(from)).filter((name) => name !== gone);
    return { status: 200, headers, body: page(left.map((name) => `<Name>${name}</Name>${properties()}`)) };
  };
  const scope: ListScope = { includes: () => true, mayEnter: () => true };
  const whole = await drain(store.connector.list(scope, undefined));
  expect(itemsOf(whole.events).map(({ location }) => location)).toEqual(names);
  for (const cut of [1, 2, 3, 4]) {
    gone = names[cut - 1] as string;
    const rest = await drain(store.connector.list(scope, whole.positions[cut]));
    expect(itemsOf(rest.events).map(({ location }) => location)).toEqual(names.slice(cut));
  }
});

describe('several containers', () => {
  const all: ListScope = { includes: () => true, mayEnter: () => true };

  test('are one listing in the byte order of locations, and nothing else is reached', async () => {
    const service = BlobServiceClient.fromConnectionString(server.connectionString);
    const tag = randomBytes(4).toString('hex');
    const [a, b, c] = ['a', 'a-b', 'b'].map((name) => service.getContainerClient(`${name}-${tag}`));
    for (const one of [a, b, c]) await one?.create();
    const put = (container: typeof a, name: string) => container?.getBlockBlobClient(name).uploadData(at(name));
    for (const name of ['x', 'y/z', 'dsxconnect-quarantine/q', 'dsxconnect-quarantine-not/q']) await put(a, name);
    await put(b, 'in/1');
    await put(b, 'out/1');
    await put(c, 'x');
    const assets = [
      { container: `b-${tag}`, prefix: '' },
      { container: `a-b-${tag}`, prefix: 'in/' },
      { container: `a-${tag}`, prefix: '' },
    ];
    const connector = store.with({ assets });
    const expected = [
      `a-${tag}/dsxconnect-quarantine-not/q`,
      `a-${tag}/x`,
      `a-${tag}/y/z`,
      `a-b-${tag}/in/1`,
      `b-${tag}/x`,
    ].sort((one, other) => Buffer.compare(at(one), at(other)));
    const { events, positions } = await drain(connector.list(all, undefined));
    expect(itemsOf(events).map(({ location }) => location)).toEqual(expected);
    for (const [cut, position] of positions.entries()) {
      expect((await drain(connector.list(all, position))).events).toEqual(events.slice(cut));
    }
    for (const location of expected) {
      expect((await readWhole(connector, { location })).bytes.toString()).toBe(
        location.slice(location.indexOf('/') + 1),
      );
    }
    for (const location of [
      `a-b-${tag}/out/1`,
      `a-${tag}/dsxconnect-quarantine/q`,
      `a-${tag}/dsxconnect-quarantine\\q`,
      `a-${tag}/y/../dsxconnect-quarantine/q`,
      `a-${tag}`,
      'x',
      `/a-${tag}/x`,
      `${store.container.containerName}/x`,
    ]) {
      await expect(connector.open({ location }, signal)).rejects.toMatchObject({ code: 'not_an_item' });
    }
    for (const one of [a, b, c]) await one?.delete();
  });

  test('are found with their first prefixes, quarantine apart', async () => {
    for (const name of ['b/x', 'a/y/z', 'file', 'dsxconnect-quarantine/q', 'é/x']) await store.put(at(name), at('x'));
    const own = store.container.containerName;
    const found: Asset[] = [];
    let after: string | undefined;
    do {
      const got = await store.connector.assets({ limit: 2, ...(after !== undefined && { after }) }, signal);
      expect(got.assets.length).toBeLessThanOrEqual(2);
      found.push(...got.assets);
      after = got.next;
    } while (after !== undefined);
    const names = found.map(({ asset }) => asset).filter((asset) => asset.startsWith(own));
    expect(names).toEqual([own, `${own}/a/`, `${own}/b/`, `${own}/é/`]);
    expect(new Set(found.map(({ asset }) => asset)).size).toBe(found.length);
  });
});

test('with a prefix nothing beside it is listed, and a blob that is named as the prefix is outside', async () => {
  const below = await makeAzureStore(server, { prefix: 'in/' });
  try {
    await below.put(at('x'), at('x'));
    for (const name of ['in/', 'in', 'in-2/x', 'other']) {
      await below.container.getBlockBlobClient(name).uploadData(at('x'));
    }
    const { events } = await drain(below.connector.list({ includes: () => true, mayEnter: () => true }, undefined));
    expect(itemsOf(events).map(({ location }) => location)).toEqual(['x']);
    expect(events).toContainEqual({ kind: 'outside', count: 1 });
  } finally {
    await below.close();
  }
});
