import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AzuriteServer, startAzurite } from '../../scripts/servers/azurite.ts';
import { type AzureStore, answer, makeAzureStore, QUARANTINE } from './azure-blob-store.ts';
import { intentOn, rowOf } from './conformance.ts';

const signal = new AbortController().signal;
const at = (text: string) => Buffer.from(text);
const evil = { location: 'dir/évil file' };

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

const blob = () => store.container.getBlockBlobClient(evil.location);
const kept = (destination: string) => store.container.getBlockBlobClient(QUARANTINE + destination);
const tags = { team: 'red', 'cost center': '12' };
const metadata = { owner: 'me', note: 'a=b; c' };

async function putEvil(): Promise<void> {
  await blob().upload('evil bytes', 10, {
    metadata,
    tags,
    tier: 'Cool',
    blobHTTPHeaders: { blobContentType: 'text/x-evil', blobContentEncoding: 'gzip', blobCacheControl: 'no-store' },
  });
}

describe('move and restore', () => {
  test('headers, metadata, tags and tier travel along, with what is known of the finding', async () => {
    await putEvil();
    const intent = await intentOn(store.connector, evil, 'movetag');
    const report = await store.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', code: 'applied' });
    expect(report.destination).toBe(`az://${store.container.containerName}/${QUARANTINE}${intent.destination}`);
    const there = await kept(intent.destination as string).getProperties();
    expect(there).toMatchObject({
      contentType: 'text/x-evil',
      contentEncoding: 'gzip',
      cacheControl: 'no-store',
      accessTier: 'Cool',
    });
    expect(there.metadata).toMatchObject({
      ...metadata,
      dsx_quarantine_finding: 'job-1/0-1:7',
      dsx_quarantine_original_base64: at(`az://${store.container.containerName}/${evil.location}`).toString('base64'),
      dsx_quarantine_version: intent.judged.version,
      dsx_quarantine_sha256: intent.provenance.sha256,
      dsx_quarantine_verdict: 'Malicious',
      dsx_quarantine_job: 'job-1',
      dsx_quarantine_judged_at: '2026-01-02T03:04:05.000Z',
      dsx_quarantine_stand_in: 'true',
    });
    const marked = (await kept(intent.destination as string).getTags()).tags;
    expect(marked).toMatchObject({ ...tags, 'dsx-verdict': 'Malicious', 'dsx-finding': 'job-1/0-1:7' });
    expect(Object.keys(marked).length).toBeLessThanOrEqual(10);

    const back = await store.connector.restore(rowOf(intent, report), signal);
    expect(back).toMatchObject({ state: 'done', code: 'applied', note: expect.stringContaining('times') });
    const now = await blob().getProperties();
    expect(now).toMatchObject({
      contentType: 'text/x-evil',
      contentEncoding: 'gzip',
      cacheControl: 'no-store',
      accessTier: 'Cool',
    });
    expect(now.metadata).toEqual({ ...metadata, dsx_restored: 'job-1/0-1:7' });
    expect((await blob().getTags()).tags).toEqual(tags);
  });

  test('metadata that has no room beside ours comes back from the row', async () => {
    const large = { big: 'x'.repeat(7_900) };
    await blob().upload('evil bytes', 10, { metadata: large });
    const intent = await intentOn(store.connector, evil, 'move');
    const report = await store.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', note: expect.stringContaining('metadata') });
    expect(await store.connector.restore(rowOf(intent, report), signal)).toMatchObject({ state: 'done' });
    expect((await blob().getProperties()).metadata).toMatchObject(large);
  });

  test.each(['AppendBlob', 'PageBlob'] as const)('%s keeps its type', async (type) => {
    if (type === 'AppendBlob') {
      const append = store.container.getAppendBlobClient(evil.location);
      await append.create();
      await append.appendBlock('evil', 4);
    } else {
      await store.container.getPageBlobClient(evil.location).create(512);
    }
    const intent = await intentOn(store.connector, evil, 'move');
    const report = await store.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', code: 'applied' });
    expect((await kept(intent.destination as string).getProperties()).blobType).toBe(type);
    expect(await store.connector.restore(rowOf(intent, report), signal)).toMatchObject({ state: 'done' });
    expect((await blob().getProperties()).blobType).toBe(type);
  });

  test('index tags that may not be read are no reason to leave the item in its place', async () => {
    await putEvil();
    const headers = { 'x-ms-tag-count': '2' };
    for (const action of ['movetag', 'move'] as const) {
      const intent = await intentOn(store.connector, evil, action, `job-1/0-1:${action}`);
      const { contentMD5 } = await blob().getProperties();
      const md5 = Buffer.from(contentMD5 ?? []).toString('base64');
      const facts = {
        'x-ms-request-id': 'r',
        etag: `"${intent.judged.version}"`,
        'content-length': '10',
        'content-md5': md5,
      };
      let looks = 0;
      store.front.treat = ({ method, url }) => {
        if (url.includes('comp=tags')) return answer(403, 'AuthorizationPermissionMismatch');
        if (method !== 'HEAD' || !url.includes('vil') || ++looks > 1) return 'pass';
        return { status: 200, headers: { ...headers, ...facts, 'x-ms-blob-type': 'BlockBlob' } };
      };
      const report = await store.connector.act(intent, signal);
      if (action === 'movetag') expect(report).toMatchObject({ state: 'failed', code: 'permission_denied' });
      else expect(report).toMatchObject({ state: 'done', note: expect.stringContaining('index tags may not be read') });
      store.front.calm();
      expect(await blob().exists()).toBe(action === 'movetag');
      if (action === 'move')
        expect(await store.connector.act(intent, signal)).toEqual({ ...report, code: 'already_applied' });
    }
  });

  test('quarantine may be another container', async () => {
    const other = await makeAzureStore(server);
    try {
      await putEvil();
      const connector = store.with({ quarantine: `az://${other.container.containerName}/q` });
      const intent = await intentOn(connector, evil, 'move');
      const report = await connector.act(intent, signal);
      expect(report).toMatchObject({
        state: 'done',
        destination: `az://${other.container.containerName}/q/${intent.destination}`,
      });
      expect(await blob().exists()).toBe(false);
      expect(await connector.restore(rowOf(intent, report), signal)).toMatchObject({ state: 'done' });
      // The row of one connector is nothing for another that has another quarantine.
      expect(await store.connector.restore(rowOf(intent, report), signal)).toMatchObject({ code: 'not_supported' });
    } finally {
      await other.close();
    }
  });

  test('a copy that the store is still making is waited for, and one that failed is removed', async () => {
    await putEvil();
    const intent = await intentOn(store.connector, evil, 'move');
    const name = `/${QUARANTINE}${intent.destination}`;
    let looks = 0;
    // What the store would say while it copies; then it says the truth.
    const pending = {
      'x-ms-request-id': 'r',
      etag: '"0x1"',
      'content-length': '10',
      'x-ms-copy-status': 'pending',
      'x-ms-copy-id': 'c',
    };
    store.front.treat = ({ method, url }) => {
      if (method !== 'HEAD' || !url.includes(name)) return 'pass';
      looks += 1;
      return looks === 2 || looks === 3 ? { status: 200, headers: pending } : 'pass';
    };
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'applied' });
    expect(looks).toBe(4);
  });

  test('a copy that came to nothing leaves the item where it is', async () => {
    await putEvil();
    const intent = await intentOn(store.connector, evil, 'move');
    let looks = 0;
    store.front.treat = ({ method, url }) => {
      if (method !== 'HEAD' || !url.includes(`/${QUARANTINE}`)) return 'pass';
      looks += 1;
      const etag = '"0x1"';
      const headers = { 'x-ms-request-id': 'r', etag, 'content-length': '0', 'x-ms-copy-status': 'failed' };
      return looks === 2 ? { status: 200, headers } : 'pass';
    };
    expect((await store.connector.act(intent, signal)).state).not.toBe('done');
    store.front.calm();
    expect(await blob().exists()).toBe(true);
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done' });
  });
});

describe('what the store keeps from being changed', () => {
  const actions = ['delete', 'move', 'movetag', 'tag'] as const;

  test.each(actions)('%s respects a lease', async (action) => {
    await putEvil();
    await blob().getBlobLeaseClient().acquireLease(-1);
    const intent = await intentOn(store.connector, evil, action);
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'refused', code: 'leased' });
    expect(await blob().exists()).toBe(true);
    expect(await store.quarantined(intent.destination as string)).toBeUndefined();
    await blob().getBlobLeaseClient().breakLease(0);
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'applied' });
  });

  test.each(['delete', 'move'] as const)('%s leaves a blob with snapshots, unless it may purge', async (action) => {
    await putEvil();
    await blob().createSnapshot();
    const intent = await intentOn(store.connector, evil, action);
    const report = await store.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'refused', code: 'retained', note: expect.stringContaining('purge') });
    expect(await store.connector.act(intent, signal)).toEqual(report);
    expect(await blob().exists()).toBe(true);
    expect(await store.quarantined(intent.destination as string)).toBeUndefined();
    const purging = store.with({ purge: true });
    expect(await purging.act(intent, signal)).toMatchObject({ state: 'done', code: 'applied' });
    expect(await blob().exists()).toBe(false);
  });

  test.each([
    ['x-ms-immutability-policy-until-date', 'Fri, 01 Jan 2100 00:00:00 GMT'],
    ['x-ms-legal-hold', 'true'],
  ])('%s is told before anything is done', async (header, value) => {
    await putEvil();
    const intent = await intentOn(store.connector, evil, 'delete');
    const headers = {
      'x-ms-request-id': 'r',
      etag: `"${intent.judged.version}"`,
      'content-length': '10',
      [header]: value,
    };
    store.front.treat = () => ({ status: 200, headers });
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'refused', code: 'retained' });
    expect(store.front.requests.at(-1)?.method).toBe('HEAD');
  });

  test.each(['delete', 'move'] as const)('%s that a policy forbids leaves nothing behind', async (action) => {
    await putEvil();
    const intent = await intentOn(store.connector, evil, action);
    store.front.treat = ({ method, url }) =>
      method === 'DELETE' && url.includes('vil') ? answer(409, 'BlobImmutableDueToPolicy') : 'pass';
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'refused', code: 'retained' });
    store.front.calm();
    const names: string[] = [];
    for await (const { name } of store.container.listBlobsFlat()) names.push(name);
    expect(names).toEqual([evil.location]);
  });

  test('a versioned account: the version that a deletion leaves is told, and goes with purge', async () => {
    await putEvil();
    const left =
      '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://x/" ContainerName="c"><Blobs><Blob>' +
      `<Name>${evil.location}</Name><VersionId>2026-01-01T00:00:00.0000000Z</VersionId><Properties><Etag>0x1</Etag></Properties>` +
      '</Blob></Blobs><NextMarker /></EnumerationResults>';
    const deleted: string[] = [];
    const versioned = (method: string, url: string, etag: string) => {
      if (url.includes('versionid=') && method === 'DELETE') {
        deleted.push(url);
        return { status: 202, headers: { 'x-ms-request-id': 'r' } };
      }
      if (url.includes('comp=list')) {
        return { status: 200, headers: { 'x-ms-request-id': 'r', 'content-type': 'application/xml' }, body: left };
      }
      const first = method === 'HEAD' && url.includes('vil') && deleted.length === 0;
      const headers = {
        'x-ms-request-id': 'r',
        etag: `"${etag}"`,
        'content-length': '10',
        'x-ms-version-id': '2026-01-01T00:00:00.0000000Z',
      };
      return first ? { status: 200, headers } : 'pass';
    };
    for (const [purge, refuses] of [
      [false, false],
      [true, true],
      [true, false],
    ] as const) {
      await putEvil();
      const connector = store.with({ purge });
      const intent = await intentOn(connector, evil, 'delete', `job-1/0-1:${purge}:${refuses}`);
      let looks = 0;
      store.front.treat = ({ method, url }) => {
        if (method === 'HEAD' && url.includes('vil')) looks += 1;
        if (refuses && url.includes('versionid=')) return answer(409, 'BlobImmutableDueToPolicy');
        return looks > 1 && method === 'HEAD' ? 'pass' : (versioned(method, url, intent.judged.version) as 'pass');
      };
      const report = await connector.act(intent, signal);
      expect(report).toMatchObject({
        state: 'done',
        code: 'applied',
        note: expect.stringContaining('1 earlier version'),
      });
      expect(deleted.length).toBe(purge && !refuses ? 1 : 0);
      expect(report.note?.includes('could not be purged')).toBe(refuses);
      store.front.calm();
    }
  });
});

describe('tags', () => {
  test('are merged into the ten that there can be, and what finds no room is told', async () => {
    const many = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`own ${i}`, `${i}`]));
    await blob().upload('evil bytes', 10, { tags: many });
    const intent = await intentOn(store.connector, evil, 'tag');
    const report = await store.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', code: 'applied', note: expect.stringContaining('dsx-judged-at') });
    expect(report.made).toBeUndefined();
    expect((await blob().getTags()).tags).toEqual({
      ...many,
      'dsx-verdict': 'Malicious',
      'dsx-finding': 'job-1/0-1:7',
      'dsx-sha256': intent.provenance.sha256,
    });
    expect(await store.connector.act(intent, signal)).toEqual({ ...report, code: 'already_applied' });
  });

  test('without room for verdict and finding nothing is done', async () => {
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`own ${i}`, `${i}`]));
    await blob().upload('evil bytes', 10, { tags: many });
    const intent = await intentOn(store.connector, evil, 'tag');
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'failed', code: 'not_supported' });
    expect((await blob().getTags()).tags).toEqual(many);
  });

  test('the condition on the version goes along with index tags', async () => {
    await putEvil();
    const intent = await intentOn(store.connector, evil, 'tag');
    await store.connector.act(intent, signal);
    const [request] = store.front.requests.filter(({ method, url }) => method === 'PUT' && url.includes('comp=tags'));
    expect(request?.headers['x-ms-blob-if-match']).toBe(`"${intent.judged.version}"`);
  });

  test('as metadata they are merged, and make a version that is told', async () => {
    await putEvil();
    const connector = store.with({ tags: 'metadata' });
    const intent = await intentOn(connector, evil, 'tag');
    const report = await connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', code: 'applied' });
    expect((await blob().getProperties()).metadata).toMatchObject({
      ...metadata,
      dsx_verdict: 'Malicious',
      dsx_finding: 'job-1/0-1:7',
    });
    expect(report.made).toEqual([(await connector.stat(evil, signal)).version]);
    expect(await connector.act(intent, signal)).toEqual({ ...report, code: 'already_applied' });
    // Other bytes under the same metadata are not what was judged.
    const { metadata: now = {} } = await blob().getProperties();
    await blob().upload('good bytes', 10, { metadata: now });
    expect(await connector.act(intent, signal)).toMatchObject({ state: 'refused', code: 'version_changed' });
  });
});
