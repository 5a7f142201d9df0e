import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startMoto } from '../../scripts/servers/moto.ts';
import type { S3Server } from '../../scripts/servers/seaweedfs.ts';
import { connectorConformance, listed, readWhole } from './conformance.ts';
import { MOTO_GAPS } from './s3-gaps.ts';
import { Bucket, type S3Store } from './s3-store.ts';

// Moto has every name, in the order of S3, which SeaweedFS has not. It compares no condition of a copy, so it is not for actions.
let server: S3Server;
const buckets = new Map<string, Bucket>();
const stores: S3Store[] = [];

beforeAll(async () => {
  server = await startMoto();
  buckets.set('plain', await Bucket.make(server, 'plain'));
  buckets.set('versions', await Bucket.make(server, 'versions', 'Enabled'));
}, 240_000);
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});
afterAll(() => server?.stop());

const storeIn = (name: string) => (buckets.get(name) as Bucket).store();

describe.each(['plain', 'versions'])('names, bucket %s', (name) => {
  connectorConformance({
    name: `aws_s3 on moto, bucket ${name}`,
    make: () => storeIn(name),
    anyBytes: false,
    contentVersions: name === 'plain',
    without: MOTO_GAPS,
    withoutActions: true,
  });

  test('keys of 1024 bytes, of slashes and dots, with bytes under the name of a folder', async () => {
    const store = await storeIn(name);
    stores.push(store);
    const locations = [
      'x'.repeat(1024 - store.prefix.length),
      'a//b',
      './a',
      'a/../b',
      '/lead',
      'odd/',
      'a+b',
      'a%20b',
    ];
    for (const location of locations) await store.put(Buffer.from(location), Buffer.from('x'));
    const found = (await listed(store.connector)).map((item) => item.location);
    expect(found).toEqual([...locations].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    for (const location of locations) {
      expect((await readWhole(store.connector, { location })).bytes.toString()).toBe('x');
    }
  });
});
