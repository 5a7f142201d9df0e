import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AwsS3Settings } from '../../connectors/aws-s3/settings.ts';
import { type S3Server, startSeaweedfs } from '../../scripts/servers/seaweedfs.ts';
import { intentOn, rowOf } from './conformance.ts';
import { Bucket, type S3Store } from './s3-store.ts';

const signal = new AbortController().signal;
const at = (text: string) => Buffer.from(text);
const evil = { location: 'evil' };
const ALL = { includes: () => true, mayEnter: () => true };

let server: S3Server;
let plain: Bucket;
let versions: Bucket;
const stores: S3Store[] = [];
beforeAll(async () => {
  server = await startSeaweedfs();
  plain = await Bucket.make(server, 'plain');
  versions = await Bucket.make(server, 'versions', 'Enabled');
}, 120_000);
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});
afterAll(() => server?.stop());

async function storeIn(bucket: Bucket, settings: Partial<AwsS3Settings> = {}): Promise<S3Store> {
  const store = await bucket.store(settings);
  stores.push(store);
  await store.put(at('evil'), at('evil bytes'));
  return store;
}

test('an upload that somebody has begun under the name of the item outlives a restore in parts', async () => {
  const store = await storeIn(plain, { copyLimit: 6 * 2 ** 20, copyPart: 5 * 2 ** 20 });
  await store.put(at('evil'), Buffer.alloc(12 * 2 ** 20, 'evil bytes '));
  const intent = await intentOn(store.connector, evil, 'move');
  const row = rowOf(intent, await store.connector.act(intent, signal));
  const target = { Bucket: plain.name, Key: `${store.prefix}evil` };
  const { UploadId } = await plain.client.send(new CreateMultipartUploadCommand(target));
  expect(await store.connector.restore(row, signal)).toMatchObject({ state: 'done' });
  const { Uploads = [] } = await plain.client.send(new ListMultipartUploadsCommand({ Bucket: plain.name }));
  expect(Uploads.map((upload) => upload.UploadId)).toContain(UploadId);
});

test.each(['delete', 'move'] as const)('%s that meets another request on the object is made again', async (action) => {
  const store = await storeIn(plain);
  const intent = await intentOn(store.connector, evil, action);
  let met = 0;
  store.front.treat = ({ method, url }) => {
    const onItem = method === 'DELETE' && url.includes(`/${store.prefix}evil`);
    if (!onItem || ++met > 1) return 'pass';
    const body = '<?xml version="1.0"?><Error><Code>ConditionalRequestConflict</Code></Error>';
    return { status: 409, headers: { 'content-type': 'application/xml' }, body };
  };
  expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done' });
  expect((await store.contents()).has('evil')).toBe(false);
  if (action === 'move') expect(await store.quarantined(intent.destination as string)).toBeDefined();
});

test('a version that is said to be purged and is still there is not told as done', async () => {
  const store = await storeIn(versions, { purge: true });
  const intent = await intentOn(store.connector, evil, 'delete');
  store.front.treat = ({ method, url }) =>
    method === 'DELETE' && url.includes('versionId') && url.includes(`/${store.prefix}evil`) ? { status: 204 } : 'pass';
  expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'failed', code: 'storage_error' });
});

test.each([
  ['text/plain', 'default backend - 404'],
  ['application/json', '{"error":"no route"}'],
  ['text/plain', ''],
])('a 404 of something on the way (%s) does not say that the item is gone', async (type, body) => {
  const store = await storeIn(plain);
  store.front.treat = () => ({ status: 404, headers: { 'content-type': type }, body });
  await expect(store.connector.open(evil, signal)).rejects.toMatchObject({ code: 'configuration' });
  await expect(store.connector.stat(evil, signal)).rejects.toMatchObject({ code: 'configuration' });
});

test('movetag does not leave an item in its place because it has all the tags that there can be', async () => {
  const store = await storeIn(plain);
  const theirs = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`t${i}`, `v${i}`]));
  await plain.put(`${store.prefix}evil`, at('evil'), { Tagging: new URLSearchParams(theirs).toString() });
  const intent = await intentOn(store.connector, evil, 'movetag');
  const note = expect.stringContaining('no room among its tags');
  expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'applied', note });
  expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'already_applied', note });
});

test('metadata that found no room in quarantine are told when the item comes back without them', async () => {
  const store = await storeIn(plain);
  await plain.put(`${store.prefix}evil`, at('evil'), { Metadata: { large: 'x'.repeat(2000) } });
  const intent = await intentOn(store.connector, evil, 'move');
  const row = rowOf(intent, await store.connector.act(intent, signal));
  const { note } = await store.connector.restore(row, signal);
  expect(note).toContain('its own metadata');
});

test('a listing that is given the same page again ends with an error, not never', async () => {
  const store = await storeIn(plain);
  const one = `<Contents><Key>${store.prefix}a</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>1</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  const body = `<?xml version="1.0"?><ListBucketResult><Name>${plain.name}</Name><IsTruncated>true</IsTruncated>${one}</ListBucketResult>`;
  const headers = { 'content-type': 'application/xml' };
  store.front.treat = ({ url }) => (url.includes('list-type=2') ? { status: 200, headers, body } : 'pass');
  const listing = store.connector.list(ALL, undefined);
  const all = async () => {
    for (let n = 0; n < 10; n++) await listing.nextBatch(10, signal);
  };
  await expect(all()).rejects.toMatchObject({ code: 'storage_error' });
});

test('a threat with any name is moved', async () => {
  const store = await storeIn(plain);
  const intent = await intentOn(store.connector, evil, 'move');
  const threatType = `${'x'.repeat(63)}\u{1f480}`;
  const named = { ...intent, provenance: { ...intent.provenance, threatType } };
  expect(await store.connector.act(named, signal)).toMatchObject({ state: 'done', code: 'applied' });
});

test('no error shows the credentials or a signature', async () => {
  const store = await storeIn(plain);
  const { secretAccessKey } = server;
  for (const treatment of [store.answers.forbidden, store.answers.broken, 'cut'] as const) {
    store.front.treat = () => treatment;
    const error: unknown = await store.connector.open(evil, signal).catch((raised: unknown) => raised);
    const shown = inspect(error, { depth: 20 }) + JSON.stringify(error);
    expect(shown).not.toContain(secretAccessKey);
    expect(shown).not.toContain('Signature=');
  }
  expect(inspect(store.connector, { depth: 20, showHidden: true })).not.toContain(secretAccessKey);
});

describe('check', () => {
  test('move in a bucket with versions needs to read a version, and says so', async () => {
    const store = await storeIn(versions);
    expect(await store.connector.check('move', signal)).toMatchObject({ ok: true });
    store.front.treat = ({ method, url }) =>
      ['GET', 'HEAD'].includes(method) && url.includes('versionId') && !url.includes('tagging')
        ? { status: 403 }
        : 'pass';
    const report = await store.connector.check('move', signal);
    expect(report.ok).toBe(false);
    expect(JSON.stringify(report.checks)).toContain('s3:GetObjectVersion');
  });
});

test('a signal that lives as long as a worker keeps no listeners', async () => {
  const store = await storeIn(plain);
  const { signal: long } = new AbortController();
  for (let n = 0; n < 20; n++) {
    await store.connector.stat(evil, long);
    const open = await store.connector.open(evil, long);
    if (n % 2 === 0) for await (const _ of open.read(long));
    await open.close();
    const listing = store.connector.list({ includes: () => true, mayEnter: () => true }, undefined);
    await listing.nextBatch(10, long);
    await listing.close();
    await store.connector.stat({ location: 'absent' }, long).catch(() => undefined);
  }
  // What ends with a connection ends in its own time.
  await expect.poll(() => getEventListeners(long, 'abort').length, { timeout: 5_000 }).toBe(0);
});
