import { getEventListeners } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type FakeGcs, startFakeGcs } from '../../scripts/servers/fake-gcs.ts';
import { intentOn } from './conformance.ts';
import { type GcsStore, makeGcsStore } from './gcs-store.ts';

const signal = new AbortController().signal;
const evil = { location: 'dir/evil' };
const ALL = { includes: () => true, mayEnter: () => true };
const json = { 'content-type': 'application/json' };

let gcs: FakeGcs;
let store: GcsStore;
beforeAll(async () => {
  gcs = await startFakeGcs();
}, 300_000);
afterAll(() => gcs?.stop());
beforeEach(async () => {
  store = await makeGcsStore(gcs);
  await store.put(Buffer.from(evil.location), Buffer.from('evil bytes'));
});
afterEach(() => store?.close());

test.each([
  ['nothing', {}, ''],
  ['other JSON', json, '{"status":"ok"}'],
  ['null', json, 'null'],
])('an endpoint that answers everything with %s has no empty bucket', async (_, headers, body) => {
  const intent = await intentOn(store.connector, evil, 'move');
  const deletion = await intentOn(store.connector, evil, 'delete');
  store.front.treat = () => ({ status: 200, headers, body });
  const wrong = { code: 'configuration' };
  await expect(store.connector.list(ALL, undefined).next(signal)).rejects.toMatchObject(wrong);
  await expect(store.connector.stat(evil, signal)).rejects.toMatchObject(wrong);
  await expect(store.connector.open(evil, signal)).rejects.toMatchObject(wrong);
  await expect(store.connector.fingerprint(signal)).rejects.toMatchObject(wrong);
  await expect(store.connector.act(intent, signal)).rejects.toMatchObject(wrong);
  await expect(store.connector.act(deletion, signal)).rejects.toMatchObject(wrong);
});

test('a listing that is given the same page again ends with an error, not never', async () => {
  const body = JSON.stringify({ kind: 'storage#objects', nextPageToken: 'same' });
  store.front.treat = () => ({ status: 200, headers: json, body });
  const listing = store.connector.list(ALL, undefined);
  await expect(listing.nextBatch(10, AbortSignal.timeout(3_000))).rejects.toMatchObject({ code: 'storage_error' });
});

test('a copy in several requests that names no next one ends with an error, not never', async () => {
  const intent = await intentOn(store.connector, evil, 'move');
  const body = JSON.stringify({ kind: 'storage#rewriteResponse', done: false });
  store.front.treat = ({ url }) => (url.includes('/rewriteTo/') ? { status: 200, headers: json, body } : 'pass');
  const report = await store.connector.act(intent, AbortSignal.timeout(3_000));
  expect(report).toMatchObject({ state: 'failed', code: 'storage_error' });
});

test('a signal that lives as long as a worker keeps no listeners', async () => {
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
