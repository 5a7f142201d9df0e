import {
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AwsS3Settings } from '../../connectors/aws-s3/settings.ts';
import { type S3Server, startSeaweedfs } from '../../scripts/servers/seaweedfs.ts';
import { intentOn, rowOf } from './conformance.ts';
import { Bucket, type S3Store } from './s3-store.ts';

const signal = new AbortController().signal;
const at = (text: string) => Buffer.from(text);
const evil = { location: 'evil' };

let server: S3Server;
const buckets = new Map<string, Bucket>();
const stores: S3Store[] = [];

beforeAll(async () => {
  server = await startSeaweedfs();
  buckets.set('plain', await Bucket.make(server, 'plain'));
  buckets.set('versions', await Bucket.make(server, 'versions', 'Enabled'));
}, 120_000);
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});
afterAll(() => server?.stop());

async function storeIn(name: string, settings: Partial<AwsS3Settings> = {}): Promise<S3Store> {
  const store = await (buckets.get(name) as Bucket).store(settings);
  stores.push(store);
  return store;
}

async function tagsOf({ bucket }: S3Store, key: string): Promise<Record<string, string>> {
  const { TagSet = [] } = await bucket.client.send(new GetObjectTaggingCommand({ Bucket: bucket.name, Key: key }));
  return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]));
}

const headOf = ({ bucket }: S3Store, key: string) =>
  bucket.client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: key }));

const versionsOf = async ({ bucket }: S3Store, key: string) => {
  const answer = await bucket.client.send(new ListObjectVersionsCommand({ Bucket: bucket.name, Prefix: key }));
  return { versions: answer.Versions ?? [], markers: answer.DeleteMarkers ?? [] };
};

describe.each(['plain', 'versions'])('metadata, headers and tags, bucket %s', (name) => {
  const own = {
    Metadata: { owner: 'finance', 'dsx-evil': 'not ours' },
    ContentType: 'text/csv; charset=utf-8',
    CacheControl: 'no-store',
    ContentDisposition: 'attachment',
    Tagging: 'team=a%20b&class=c',
  };

  test('travel into quarantine with the finding, and come back', async () => {
    const store = await storeIn(name);
    await store.bucket.put(`${store.prefix}evil`, at('evil'), own);
    const intent = await intentOn(store.connector, evil, 'movetag');
    const report = await store.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', code: 'applied' });
    const key = store.quarantine + intent.destination;
    expect(report.destination).toBe(`s3://${name}/${key}`);
    const kept = await headOf(store, key);
    expect(kept).toMatchObject({ ContentType: own.ContentType, CacheControl: 'no-store' });
    expect(kept.Metadata).toMatchObject({
      owner: 'finance',
      'dsx-finding': encodeURIComponent(intent.finding),
      'dsx-sha256': intent.provenance.sha256,
      'dsx-key': at(`${store.prefix}evil`).toString('base64'),
      'dsx-verdict': 'Malicious',
      'dsx-stand-in': 'true',
    });
    expect(await tagsOf(store, key)).toMatchObject({ team: 'a b', class: 'c', 'dsx-verdict': 'Malicious' });

    const back = await store.connector.restore(rowOf(intent, report), signal);
    expect(back).toMatchObject({ state: 'done', code: 'applied', note: expect.stringContaining('modification time') });
    const restored = await headOf(store, `${store.prefix}evil`);
    expect(restored).toMatchObject({ ContentType: own.ContentType, ContentDisposition: 'attachment' });
    expect(restored.Metadata?.owner).toBe('finance');
    expect(await tagsOf(store, `${store.prefix}evil`)).toEqual({ team: 'a b', class: 'c' });
  });

  test('metadata as large as S3 takes it does not stand in the way', async () => {
    const store = await storeIn(name);
    await store.bucket.put(`${store.prefix}evil`, at('evil'), { Metadata: { large: 'x'.repeat(2000) } });
    const intent = await intentOn(store.connector, evil, 'move');
    expect(await store.connector.act(intent, signal)).toMatchObject({
      state: 'done',
      note: expect.stringContaining('metadata'),
    });
    expect((await headOf(store, store.quarantine + intent.destination)).Metadata).toMatchObject({
      'dsx-finding': encodeURIComponent(intent.finding),
    });
  });

  test('tags are merged within the ten that S3 allows, and those of others all stay', async () => {
    const store = await storeIn(name);
    for (const [count, expected] of [
      [0, 'done'],
      [6, 'done'],
      [8, 'done'],
      [9, 'failed'],
      [10, 'failed'],
    ] as const) {
      const theirs = Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, `v${i}`]));
      const Tagging = new URLSearchParams(theirs).toString();
      await store.bucket.put(`${store.prefix}evil`, at(`evil ${count}`), { ...(count > 0 && { Tagging }) });
      const intent = await intentOn(store.connector, evil, 'tag', `job-1/0-1:${count}`);
      expect((await store.connector.act(intent, signal)).state).toBe(expected);
      const tags = await tagsOf(store, `${store.prefix}evil`);
      expect(tags).toMatchObject(theirs);
      expect(tags['dsx-verdict']).toBe(expected === 'done' ? 'Malicious' : undefined);
    }
  });
});

describe.each(['plain', 'versions'])('an item above the limit of a copy, bucket %s', (name) => {
  const limits = { copyLimit: 6 * 2 ** 20, copyPart: 5 * 2 ** 20 };
  const bytes = Buffer.alloc(12 * 2 ** 20, 'evil bytes ');

  test('is copied in parts, verified, and comes back', async () => {
    const store = await storeIn(name, limits);
    await store.bucket.put(`${store.prefix}evil`, bytes, { Metadata: { a: 'b' }, Tagging: 'k=v' });
    const intent = await intentOn(store.connector, evil, 'move');
    const report = await store.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', code: 'applied' });
    expect(store.front.requests.filter(({ url }) => url.includes('partNumber')).length).toBe(3);
    expect((await store.quarantined(intent.destination as string))?.equals(bytes)).toBe(true);
    expect(await tagsOf(store, store.quarantine + intent.destination)).toEqual({ k: 'v' });
    expect(await store.connector.restore(rowOf(intent, report), signal)).toMatchObject({ state: 'done' });
    expect((await store.contents()).get('evil')?.equals(bytes)).toBe(true);
    expect((await headOf(store, `${store.prefix}evil`)).Metadata?.a).toBe('b');
  });

  test('and replaced between two parts, it is refused, and no upload remains', async () => {
    const store = await storeIn(name, limits);
    await store.put(at('evil'), bytes);
    const intent = await intentOn(store.connector, evil, 'move');
    const held = Promise.withResolvers<void>();
    // The upload begins, then three parts.
    const { met } = store.front.atChange(2, { after: held.promise });
    const acting = store.connector.act(intent, signal);
    await met;
    await store.put(at('evil'), at('new, good!'));
    held.resolve();
    expect(await acting).toMatchObject({ state: 'refused', code: 'version_changed' });
    expect(await store.quarantined(intent.destination as string)).toBeUndefined();
    const { bucket } = store;
    const { Uploads = [] } = await bucket.client.send(new ListMultipartUploadsCommand({ Bucket: bucket.name }));
    expect(Uploads).toEqual([]);
  });
});

describe('versions', () => {
  test('a delete marker lies over the judged version, which is told; an older one does not come up', async () => {
    const store = await storeIn('versions');
    await store.put(at('evil'), at('older, good'));
    await store.put(at('evil'), at('evil'));
    const intent = await intentOn(store.connector, evil, 'delete');
    const report = await store.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', note: expect.stringMatching(/remains below a delete marker/) });
    expect(report.current).toBeUndefined();
    expect((await versionsOf(store, `${store.prefix}evil`)).versions).toHaveLength(2);
  });

  test.each(['delete', 'move'] as const)(
    'with purge %s removes that version, and tells what is current',
    async (action) => {
      const store = await storeIn('versions', { purge: true });
      await store.put(at('evil'), at('older, good'));
      const older = await store.connector.stat(evil, signal);
      await store.put(at('evil'), at('evil'));
      const intent = await intentOn(store.connector, evil, action);
      const report = await store.connector.act(intent, signal);
      expect(report).toMatchObject({ state: 'done', code: 'applied', current: older });
      const { versions, markers } = await versionsOf(store, `${store.prefix}evil`);
      expect(versions.map(({ Size }) => Size)).toEqual([at('older, good').length]);
      expect(markers).toEqual([]);
      expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'already_applied' });
    },
  );

  test('the same bytes written anew are another version', async () => {
    const store = await storeIn('versions');
    await store.put(at('evil'), at('evil'));
    const intent = await intentOn(store.connector, evil, 'delete');
    await store.put(at('evil'), at('evil'));
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'refused', code: 'version_changed' });
  });

  test('a bucket whose versions were suspended', async () => {
    const bucket = await Bucket.make(server, 'suspended', 'Enabled');
    const store = await bucket.store();
    stores.push(store);
    await store.put(at('with'), at('evil 1'));
    const VersioningConfiguration = { Status: 'Suspended' } as const;
    await bucket.client.send(new PutBucketVersioningCommand({ Bucket: bucket.name, VersioningConfiguration }));
    await store.put(at('without'), at('evil 2'));
    const listing = store.connector.list({ includes: () => true, mayEnter: () => true }, undefined);
    const events = await listing.nextBatch(10, signal);
    const items = events.flatMap((event) => (event.kind === 'item' ? [event.item] : []));
    expect(items.map(({ location }) => location)).toEqual(['with', 'without']);
    for (const item of items) {
      expect(await store.connector.stat(item, signal)).toEqual(item);
      const intent = await intentOn(store.connector, { location: item.location }, 'move', `job-1/${item.location}`);
      expect(intent.judged.version).toBe(item.version);
      expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'applied' });
    }
    expect(await store.contents()).toEqual(new Map());
  });
});

test.each([
  ['a legal hold', { 'x-amz-object-lock-legal-hold': 'ON' }, /legal hold/],
  [
    'retention',
    { 'x-amz-object-lock-mode': 'COMPLIANCE', 'x-amz-object-lock-retain-until-date': '2099-01-01T00:00:00.000Z' },
    /until 2099/,
  ],
] as const)('a version under %s is never purged, which is told', async (_what, lock, told) => {
  const store = await storeIn('versions', { purge: true });
  await store.put(at('evil'), at('evil'));
  const intent = await intentOn(store.connector, evil, 'delete');
  const { ETag = '', VersionId = '', LastModified } = await headOf(store, `${store.prefix}evil`);
  const head = {
    etag: ETag,
    'content-length': '4',
    'last-modified': LastModified?.toUTCString() ?? '',
    'x-amz-version-id': VersionId,
  };
  // SeaweedFS has no locks that it shows: the answer is as S3 documents it.
  store.front.treat = ({ method }) => (method === 'HEAD' ? { status: 200, headers: { ...head, ...lock } } : 'pass');
  const report = await store.connector.act(intent, signal);
  expect(report).toMatchObject({ state: 'refused', code: 'retained', note: expect.stringMatching(told) });
  expect((await store.contents()).get('evil')?.toString()).toBe('evil');
});
