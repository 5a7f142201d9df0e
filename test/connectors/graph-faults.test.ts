import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGraphClient } from '../../connectors/graph/client.ts';
import { intentOn } from './conformance.ts';
import { type GraphStore, graphStore } from './graph-store.ts';

const signal = new AbortController().signal;
const evil = { location: 'dir/evil' };
const ALL = { includes: () => true, mayEnter: () => true };

let store: GraphStore;
beforeEach(async () => {
  store = await graphStore();
  await store.put(Buffer.from(evil.location), Buffer.from('evil bytes'));
});
afterEach(() => store?.close());

test('a deletion that is answered and not made is not told as done', async () => {
  const intent = await intentOn(store.connector, evil, 'delete');
  store.front.treat = ({ method }) => (method === 'DELETE' ? { status: 204 } : 'pass');
  expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'failed', code: 'storage_error' });
  store.front.calm();
  expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'applied' });
});

test('a listing that is given the same page again ends with an error, not never', async () => {
  const headers = { 'content-type': 'application/json' };
  const next = `https://127.0.0.1:${store.front.port}/v1.0/drives/d/root/delta?token=same`;
  const body = JSON.stringify({ value: [], '@odata.nextLink': next });
  store.front.treat = ({ url }) => (url.includes('/delta') ? { status: 200, headers, body } : 'pass');
  const listing = store.connector.list(ALL, undefined);
  const all = async () => {
    for (let n = 0; n < 10; n++) await listing.nextBatch(10, signal);
  };
  await expect(all()).rejects.toMatchObject({ code: 'storage_error' });
});

test('an address of content that is not secure is not opened where Graph is', async () => {
  const client = createGraphClient('https://graph.example', { token: async () => 'token', forget() {} });
  try {
    const secret = 'tempauth-secret';
    for (const url of [`http://127.0.0.1:9/x?tempauth=${secret}`, `not an address?tempauth=${secret}`]) {
      const error: unknown = await client.fetch(url, 'opening', signal).catch((raised: unknown) => raised);
      expect(error).toMatchObject({ code: 'configuration' });
      const { inspect } = await import('node:util');
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret);
    }
  } finally {
    await client.close();
  }
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
