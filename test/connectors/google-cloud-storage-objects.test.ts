import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connector, ListScope } from '../../connectors/connector.ts';
import { Crc32c } from '../../connectors/google-cloud-storage/crc32c.ts';
import { type FakeGcs, startFakeGcs } from '../../scripts/servers/fake-gcs.ts';
import { drain, itemsOf, listed, readWhole } from './conformance.ts';
import { type GcsStore, makeGcsStore, refusal } from './gcs-store.ts';

let gcs: FakeGcs;
beforeAll(async () => {
  gcs = await startFakeGcs();
}, 120_000);
afterAll(() => gcs.stop());

let store: GcsStore;
beforeEach(async () => {
  store = await makeGcsStore(gcs);
});
afterEach(() => store.close());

const signal = new AbortController().signal;
const ALL: ListScope = { includes: () => true, mayEnter: () => true };
const JSON_TYPE = { 'content-type': 'application/json' };
const locations = async (connector: Connector, scope = ALL) =>
  (await listed(connector, scope)).map(({ location }) => location);
const code = (call: Promise<unknown>) =>
  call.then(
    () => 'no error',
    (error: { code: string }) => error.code,
  );
const crc32cOf = (bytes: Uint8Array) => {
  const sum = new Crc32c();
  sum.update(bytes);
  return sum.base64();
};

describe('listing', () => {
  test('names that stand for folders are no items, those with bytes are', async () => {
    for (const key of ['a/', 'a/x', 'b/']) await store.plant(key, key === 'b/' ? 'bytes' : key === 'a/' ? '' : 'x');
    expect(await locations(store.connector)).toEqual(['a/x', 'b/']);
    expect((await readWhole(store.connector, { location: 'b/' })).bytes.toString()).toBe('bytes');
  });

  test('noncurrent generations are not listed', async () => {
    const versions = await makeGcsStore(gcs, { versions: true });
    await versions.plant('x', 'old');
    const { generation } = await versions.plant('x', 'new');
    expect(await listed(versions.connector)).toMatchObject([{ location: 'x', version: generation, size: 3 }]);
    await versions.close();
  });

  test('quarantine is left out by its exact prefix, whatever it holds, and is not paged through', async () => {
    const many = Array.from({ length: 2_500 }, (_, i) => `dsxconnect-quarantine/job/${i}`);
    await store.putMany([
      ...many,
      'a',
      'dsxconnect-quarantine',
      'dsxconnect-quarantine.txt',
      'dsxconnect-quarantine0',
      'z',
    ]);
    const listing = store.connector.list(ALL, undefined);
    const { events } = await drain(listing);
    expect(itemsOf(events).map(({ location }) => location)).toEqual([
      'a',
      'dsxconnect-quarantine',
      'dsxconnect-quarantine.txt',
      'dsxconnect-quarantine0',
      'z',
    ]);
    expect(listing.requests()).toBe(2);
    for (const location of ['dsxconnect-quarantine/job/1', 'dsxconnect-quarantine/.deleted/x']) {
      expect(await code(store.connector.open({ location }, signal))).toBe('not_an_item');
      expect(await code(store.connector.stat({ location }, signal))).toBe('not_an_item');
    }
  });

  test('a folder that need not be entered costs one request, and counts for one', async () => {
    await store.putMany([...Array.from({ length: 2_100 }, (_, i) => `closed/${i}`), 'a', 'closed.txt', 'closed0', 'z']);
    const scope = { includes: () => true, mayEnter: (folder: string) => folder !== 'closed/' };
    const listing = store.connector.list(scope, undefined);
    const { events, positions } = await drain(listing);
    expect(itemsOf(events).map(({ location }) => location)).toEqual(['a', 'closed.txt', 'closed0', 'z']);
    expect(events.filter(({ kind }) => kind === 'outside')).toEqual([{ kind: 'outside', count: 1 }]);
    expect(listing.requests()).toBe(2);
    for (let cut = 0; cut < positions.length; cut++) {
      expect((await drain(store.connector.list(scope, positions[cut]))).events).toEqual(events.slice(cut));
    }
  });

  test('a listing that meets nothing inside the scope shows that it moves on', async () => {
    await store.putMany(Array.from({ length: 2_100 }, (_, i) => `${i}`));
    const { events } = await drain(store.connector.list({ includes: () => false, mayEnter: () => true }, undefined));
    expect(events.map((event) => event.kind === 'outside' && event.count)).toEqual([1_000, 1_000, 100]);
  });

  test('a position of something else is refused', () => {
    for (const from of [{}, { asset: 'other/', at: '', behind: false, outside: 0 }, { after: 'eA==', outside: 0 }]) {
      expect(() => store.connector.list(ALL, from)).toThrow(/no position/);
    }
  });
});

describe('several assets', () => {
  test('are listed in the byte order of whole locations, and no location leads outside of them', async () => {
    const other = await makeGcsStore(gcs);
    const more = await makeGcsStore(gcs);
    const assets = [`${other.bucket}/in`, `${store.bucket}/z/`, more.bucket, `${store.bucket}/a`];
    const connector = store.withSettings({ assets });
    for (const [place, key] of [
      [store, 'a/1'],
      [store, 'a/2'],
      [store, 'b/1'],
      [store, 'z/é'],
      [other, 'in/x'],
      [other, 'out'],
      [more, 'y'],
    ] as const) {
      await place.plant(key, key);
    }
    const expected = [
      `${store.bucket}/a/1`,
      `${store.bucket}/a/2`,
      `${store.bucket}/z/é`,
      `${other.bucket}/in/x`,
      `${more.bucket}/y`,
    ];
    const { events, positions } = await drain(connector.list(ALL, undefined));
    expect(itemsOf(events).map(({ location }) => location)).toEqual(
      expected.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
    for (let cut = 0; cut < positions.length; cut++) {
      expect((await drain(connector.list(ALL, positions[cut]))).events).toEqual(events.slice(cut));
    }
    for (const item of itemsOf(events)) {
      expect((await readWhole(connector, item)).bytes.toString()).toBe(
        item.location.slice(item.location.indexOf('/') + 1),
      );
      expect(await connector.stat(item, signal)).toEqual(item);
    }
    for (const location of [`${store.bucket}/b/1`, `${other.bucket}/out`, `${store.bucket}/a/`, 'elsewhere/x', 'a/1']) {
      expect(await code(connector.open({ location }, signal))).toBe('not_an_item');
    }
    expect(await connector.fingerprint(signal)).toContain(other.bucket);
    await other.close();
    await more.close();
  });

  test.each([
    [['bucket-x', 'bucket-x/a']],
    [['bucket-x/a', 'bucket-x/a/b']],
    [['bucket-x/a/', 'bucket-x/a']],
    [['bucket-x/dsxconnect-quarantine']],
    [['bucket-x/dsxconnect-quarantine/job']],
    [[]],
  ])('those that can not work are refused: %j', (assets) => {
    expect(() => store.withSettings({ assets })).toThrow(expect.objectContaining({ code: 'configuration' }));
  });
});

describe('reading', () => {
  test('what is stored packed comes as it is stored', async () => {
    const packed = gzipSync('malware in a plain file');
    await store.plant('x.gz', packed, { contentEncoding: 'gzip', contentType: 'text/plain' });
    const [item] = await listed(store.connector);
    expect(item?.size).toBe(packed.length);
    const open = await store.connector.open({ location: 'x.gz' }, signal);
    expect(open.size).toBe(packed.length);
    await open.close();
    expect((await readWhole(store.connector, { location: 'x.gz' })).bytes).toEqual(packed);
  });

  const answered = (stored: Uint8Array, body: Uint8Array, more: Record<string, string> = {}) => ({
    status: 200,
    headers: {
      'x-goog-generation': '7',
      'x-goog-stored-content-length': String(stored.length),
      'x-goog-hash': `crc32c=${crc32cOf(stored)},md5=AAAA`,
      ...more,
    },
    body: body as unknown as string,
  });

  test('what is packed for the way alone is unpacked', async () => {
    const text = Buffer.from('text '.repeat(5_000));
    const headers = { 'content-encoding': 'gzip', 'x-goog-stored-content-encoding': 'identity' };
    store.front.treat = () => answered(text, gzipSync(text), headers);
    expect(await readWhole(store.connector, { location: 'x' })).toEqual({ bytes: text, version: '7' });
    store.front.treat = () => answered(text, gzipSync(text).subarray(0, 40), headers);
    expect(await code(readWhole(store.connector, { location: 'x' }))).toBe('storage_error');
  });

  test('what is unpacked on the way is never taken for the object', async () => {
    const headers = { 'x-goog-stored-content-encoding': 'gzip' };
    store.front.treat = () => answered(Buffer.from('packed'), Buffer.from('unpacked'), headers);
    expect(await code(store.connector.open({ location: 'x' }, signal))).toBe('storage_error');
  });

  test('bytes that have another CRC32C are not confirmed', async () => {
    store.front.treat = () => answered(Buffer.from('right'), Buffer.from('wrong'));
    expect(await code(readWhole(store.connector, { location: 'x' }))).toBe('storage_error');
  });

  test('an object of every storage class is read', async () => {
    await store.plant('x', 'cold');
    await gcs.show(store.bucket, 'x', { storageClass: 'ARCHIVE' });
    const [item] = await listed(store.connector);
    expect(item?.unscannable).toBeUndefined();
    expect((await readWhole(store.connector, { location: 'x' })).bytes.toString()).toBe('cold');
  });

  test('an object with a key of its owner is told when it is listed and when it is opened', async () => {
    await store.plant('x', 'secret');
    await gcs.show(store.bucket, 'x', { customerEncryption: { encryptionAlgorithm: 'AES256' } });
    expect(await listed(store.connector)).toMatchObject([{ unscannable: { reason: 'customer_key' } }]);
    const body = refusal(400, 'resourceIsEncryptedWithCustomerEncryptionKey');
    store.front.treat = () => ({ status: 400, headers: JSON_TYPE, body });
    expect(await code(store.connector.open({ location: 'x' }, signal))).toBe('customer_key');
  });

  test('a CRC32C is that of the whole, however it comes', () => {
    expect(crc32cOf(Buffer.from('123456789'))).toBe(Buffer.from('e3069283', 'hex').toString('base64'));
    const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, i) => (i * 7) % 256));
    for (const cut of [0, 1, 7, 8, 9, 500]) {
      const sum = new Crc32c();
      sum.update(bytes.subarray(0, cut));
      sum.update(bytes.subarray(cut));
      expect(sum.base64()).toBe(crc32cOf(bytes));
    }
  });
});

describe('settings that can not work', () => {
  test('a bucket that is not there', async () => {
    const connector = store.withSettings({ assets: ['no-such-bucket'] });
    for (const call of [
      () => listed(connector),
      () => connector.fingerprint(signal),
      () => connector.stat({ location: 'x' }, signal),
      () => connector.open({ location: 'x' }, signal),
    ]) {
      expect(await code(call())).toBe('configuration');
    }
  });

  test('a bucket whose requester pays', async () => {
    store.front.treat = () => ({ status: 400, headers: JSON_TYPE, body: refusal(400, 'required') });
    const failure = await store.connector.fingerprint(signal).catch((error: Error) => error);
    expect(failure).toMatchObject({ code: 'configuration', message: expect.stringContaining('Requester Pays') });
  });

  test('an endpoint where nothing listens', async () => {
    const connector = store.withSettings({ endpoint: 'http://127.0.0.1:9' });
    expect(await code(connector.fingerprint(signal))).toBe('unreachable');
  });
});
