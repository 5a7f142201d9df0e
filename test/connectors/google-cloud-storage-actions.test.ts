import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connector } from '../../connectors/connector.ts';
import type { ActionIntent } from '../../domain/action.ts';
import { type FakeGcs, startFakeGcs } from '../../scripts/servers/fake-gcs.ts';
import { intentOn, rowOf } from './conformance.ts';
import { type GcsStore, makeGcsStore } from './gcs-store.ts';

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
const evil = { location: 'evil.txt' };
const quarantineOf = (intent: ActionIntent) => `dsxconnect-quarantine/${intent.destination}`;

async function generations(of: GcsStore): Promise<string[]> {
  const url = `${gcs.endpoint}/storage/v1/b/${of.bucket}/o?versions=true`;
  const { items = [] } = (await (await fetch(url)).json()) as { items?: { name: string; generation: string }[] };
  return items.filter(({ name }) => name === evil.location).map(({ generation }) => generation);
}

describe('what travels', () => {
  const fields = {
    contentType: 'text/x-evil',
    cacheControl: 'no-store',
    customTime: '2020-01-02T03:04:05Z',
    metadata: { owner: 'Ann', 'dsx-verdict': 'their own', ünicode: 'é' },
  };

  test.each(['move', 'movetag'] as const)('%s takes the metadata along, and restore brings it back', async (action) => {
    const before = await store.plant('evil.txt', 'evil', fields);
    const intent = await intentOn(store.connector, evil, action);
    const report = await store.connector.act(intent, signal);
    const kept = await store.object(quarantineOf(intent));
    expect(kept).toMatchObject({ contentType: 'text/x-evil', metadata: { owner: 'Ann', ünicode: 'é' } });
    expect(kept?.metadata?.['dsx-verdict']).toBe(action === 'movetag' ? 'Malicious' : 'their own');
    expect(kept?.metadata?.['dsx-threat']).toBe(action === 'movetag' ? 'EICAR _test_' : undefined);
    const record = JSON.parse(kept?.metadata?.['dsx-quarantine'] ?? '');
    const { provenance, finding } = intent;
    expect(record).toMatchObject({ finding, location: 'evil.txt', version: before.generation, provenance });
    expect(report.destination).toBe(`gs://${store.bucket}/${quarantineOf(intent)}`);
    await store.connector.restore(rowOf(intent, report), signal);
    const after = await store.object('evil.txt');
    expect(after).toMatchObject({ contentType: 'text/x-evil', metadata: fields.metadata });
    expect(Object.keys(after?.metadata ?? {}).sort()).toEqual(Object.keys(fields.metadata).sort());
    expect(after?.generation).not.toBe(before.generation);
  });

  test('metadata that leaves no room for the record stays behind, and that is told', async () => {
    await store.plant('evil.txt', 'evil', { metadata: { large: 'x'.repeat(8_000) } });
    const intent = await intentOn(store.connector, evil, 'move');
    expect((await store.connector.act(intent, signal)).note).toContain('no room');
    expect(Object.keys((await store.object(quarantineOf(intent)))?.metadata ?? {})).toEqual(['dsx-quarantine']);
  });

  test('a composite object, of which the service has a CRC32C alone', async () => {
    await store.plant('a', 'ev');
    await store.plant('b', 'il');
    await fetch(`${gcs.endpoint}/storage/v1/b/${store.bucket}/o/evil.txt/compose`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sourceObjects: [{ name: 'a' }, { name: 'b' }], destination: {} }),
    });
    await gcs.show(store.bucket, 'evil.txt', { md5Hash: undefined, componentCount: 2 });
    const intent = await intentOn(store.connector, evil, 'move');
    const report = await store.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', code: 'applied' });
    expect(await store.connector.restore(rowOf(intent, report), signal)).toMatchObject({
      state: 'done',
      code: 'applied',
    });
    expect((await store.object('evil.txt'))?.size).toBe('4');
  });

  test('a copy that the service makes in several steps', async () => {
    await store.plant('evil.txt', 'evil');
    const intent = await intentOn(store.connector, evil, 'move');
    const half = { kind: 'storage#rewriteResponse', done: false, rewriteToken: 'a+b/c' };
    let steps = 0;
    store.front.treat = ({ method, url }) => {
      if (method !== 'POST' || !url.includes('/rewriteTo/') || steps++ > 1) return 'pass';
      return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(half) };
    };
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'applied' });
    const last = store.front.requests.filter(({ url }) => url.includes('/rewriteTo/')).at(-1);
    expect(new URL(last?.url ?? '', 'http://x').searchParams.get('rewriteToken')).toBe('a+b/c');
  });

  test('into another bucket, and back', async () => {
    const other = await makeGcsStore(gcs);
    const connector = store.withSettings({ quarantine: `gs://${other.bucket}/held/` });
    await store.plant('evil.txt', 'evil');
    const intent = await intentOn(connector, evil, 'move');
    const report = await connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', destination: `gs://${other.bucket}/held/${intent.destination}` });
    expect(await other.object(`held/${intent.destination}`)).toBeDefined();
    expect(await store.object('evil.txt')).toBeUndefined();
    expect(await connector.restore(rowOf(intent, report), signal)).toMatchObject({ state: 'done', code: 'applied' });
    expect(await other.object(`held/${intent.destination}`)).toBeUndefined();
    const lost = store.withSettings({ quarantine: 'gs://no-such-bucket/held' });
    const again = await intentOn(lost, evil, 'move');
    await expect(lost.act(again, signal)).rejects.toMatchObject({ code: 'configuration' });
    expect(await store.object('evil.txt')).toBeDefined();
    await other.close();
  });
});

describe('tags', () => {
  test('are added to the metadata, which others may change at the same time', async () => {
    const { generation } = await store.plant('evil.txt', 'evil', { metadata: { owner: 'Ann' } });
    const intent = await intentOn(store.connector, evil, 'tag');
    const held = Promise.withResolvers<void>();
    const { met } = store.front.atChange(0, { after: held.promise });
    const acting = store.connector.act(intent, signal);
    await met;
    await fetch(`${gcs.endpoint}/storage/v1/b/${store.bucket}/o/evil.txt`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: '{"metadata":{"owner":"Bob"}}',
    });
    held.resolve();
    expect(await acting).toEqual({ state: 'done', code: 'applied' });
    const now = await store.object('evil.txt');
    expect(now).toMatchObject({ generation, metadata: { owner: 'Bob', 'dsx-verdict': 'Malicious' } });
    expect(store.front.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(2);
  });

  test('that find no room are not put on', async () => {
    await store.plant('evil.txt', 'evil', { metadata: { large: 'x'.repeat(8_000) } });
    const intent = await intentOn(store.connector, evil, 'tag');
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'failed', code: 'not_supported' });
  });
});

describe('what may not be deleted', () => {
  const holds: [string, Record<string, unknown>][] = [
    ['a temporary hold', { temporaryHold: true }],
    ['an event-based hold', { eventBasedHold: true }],
    ['a retention rule', { retentionExpirationTime: new Date(Date.now() + 3_600_000).toISOString() }],
  ];
  test.each(
    holds.flatMap(([what, fields]) => (['move', 'delete'] as const).map((action) => ({ what, fields, action }))),
  )('$action under $what is refused, and leaves nothing', async ({ fields, action }) => {
    await store.plant('evil.txt', 'evil');
    await gcs.show(store.bucket, 'evil.txt', fields);
    const intent = await intentOn(store.connector, evil, action);
    const report = await store.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'refused', code: 'retained' });
    expect(await store.connector.act(intent, signal)).toEqual(report);
    expect(store.front.changes).toBe(0);
    const tag = await intentOn(store.connector, evil, 'tag');
    expect(await store.connector.act(tag, signal)).toMatchObject({ state: 'done' });
  });

  test.each(['move', 'delete'] as const)('%s: a hold that comes in between', async (action) => {
    await store.plant('evil.txt', 'evil');
    const intent = await intentOn(store.connector, evil, action);
    const held = Promise.withResolvers<void>();
    const { met } = store.front.atChange(1, { after: held.promise });
    const acting = store.connector.act(intent, signal);
    await met;
    await gcs.show(store.bucket, 'evil.txt', { temporaryHold: true });
    held.resolve();
    expect(await acting).toMatchObject({ state: 'refused', code: 'retained' });
    const url = `${gcs.endpoint}/storage/v1/b/${store.bucket}/o`;
    const { items } = (await (await fetch(url)).json()) as { items: { name: string }[] };
    expect(items.map(({ name }) => name)).toEqual(['evil.txt']);
  });
});

describe('a bucket that keeps versions', () => {
  test.each(['delete', 'move'] as const)('%s leaves a noncurrent version, and says so', async (action) => {
    const versions = await makeGcsStore(gcs, { versions: true });
    const { generation } = await versions.plant('evil.txt', 'evil');
    const intent = await intentOn(versions.connector, evil, action);
    const report = await versions.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', note: expect.stringContaining('noncurrent version') });
    expect(await generations(versions)).toEqual([generation]);
    await versions.close();
  });

  test.each(['delete', 'move'] as const)('%s with purge removes exactly the judged one', async (action) => {
    const versions = await makeGcsStore(gcs, { versions: true, settings: { purge: true } });
    const { generation: older } = await versions.plant('evil.txt', 'older');
    await versions.plant('evil.txt', 'evil');
    const intent = await intentOn(versions.connector, evil, action);
    const report = await versions.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', code: 'applied' });
    expect(report.note ?? '').not.toContain('noncurrent');
    expect(await generations(versions)).toEqual([older]);
    await versions.close();
  });
});

describe('the check', () => {
  const detailOf = async (connector: Connector, action: 'nothing' | 'move' | 'tag' | 'delete') => {
    const report = await connector.check(action, signal);
    return {
      ok: report.ok,
      text: report.checks
        .filter(({ ok }) => !ok)
        .map(({ detail }) => detail)
        .join('\n'),
    };
  };
  afterEach(() => gcs.withhold());

  test('names the permission that is missing, and a role that has it', async () => {
    gcs.withhold('storage.objects.delete');
    expect((await detailOf(store.connector, 'nothing')).ok).toBe(true);
    expect((await detailOf(store.connector, 'tag')).ok).toBe(true);
    const { ok, text } = await detailOf(store.connector, 'move');
    expect(ok).toBe(false);
    expect(text).toContain(`bucket ${store.bucket}: storage.objects.delete is missing; grant roles/storage.objectUser`);
    gcs.withhold('storage.objects.get');
    expect((await detailOf(store.connector, 'nothing')).text).toContain('grant roles/storage.objectViewer');
  });

  test('looks at every bucket that is touched, and writes nothing', async () => {
    const connector = store.withSettings({ quarantine: 'gs://no-such-bucket/q', assets: [store.bucket, 'nor-this'] });
    const { text } = await detailOf(connector, 'move');
    expect(text).toContain('nor-this');
    expect(store.front.changes).toBe(0);
  });
});

describe('the offer of assets', () => {
  test.each([1, 2, 3, 100])('folders of the asset, then buckets, %i at a time', async (limit) => {
    for (const key of ['b/x', '-a/x', 'c d/x', 'é/x', 'file', 'dsxconnect-quarantine/x']) await store.plant(key, 'x');
    const others = [await makeGcsStore(gcs), await makeGcsStore(gcs), await makeGcsStore(gcs)];
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.connector.assets({ limit, ...(after !== undefined && { after }) }, signal);
      expect(page.assets.length).toBeLessThanOrEqual(limit);
      found.push(...page.assets.map(({ asset }) => asset));
      after = page.next;
    } while (after !== undefined);
    const folders = ['', '-a/', 'b/', 'c d/', 'é/'].map((folder) => `${store.bucket}/${folder}`);
    expect(found.slice(0, folders.length)).toEqual(folders);
    expect(found).toEqual(expect.arrayContaining(others.map(({ bucket }) => bucket)));
    for (const other of others) await other.close();
    expect(found).not.toContain(store.bucket);
    expect(new Set(found).size).toBe(found.length);
  });

  test('buckets that may not be listed are told', async () => {
    const { next } = await store.connector.assets({ limit: 10 }, signal);
    store.front.treat = () => store.answers.forbidden;
    await expect(store.connector.assets({ limit: 10, after: next as string }, signal)).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('storage.buckets.list'),
    });
  });
});
