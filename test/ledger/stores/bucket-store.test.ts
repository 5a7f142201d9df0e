import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../../ledger/errors.ts';
import type { Bucket } from '../../../ledger/stores/bucket.ts';
import { createBucketStore } from '../../../ledger/stores/bucket-store.ts';
import { names, refused } from '../store-conformance.ts';

/** A bucket that overwrites, whatever it is asked. */
function overwritingBucket(): Bucket & { readonly objects: Map<string, Buffer>; calls: string[] } {
  const objects = new Map<string, Buffer>();
  const calls: string[] = [];
  const write = async (key: string, bytes: Uint8Array): Promise<void> => {
    calls.push('write');
    objects.set(key, Buffer.from(bytes));
  };
  return {
    objects,
    calls,
    async create(key, bytes) {
      await write(key, bytes);
      return 'created';
    },
    write,
    async get(key) {
      calls.push('get');
      const found = objects.get(key);
      if (found === undefined) throw new LedgerError('not_found', key, 'it is not there');
      return found;
    },
    async *list(prefix) {
      const found = [...objects].filter(([name]) => name.startsWith(prefix));
      yield { objects: found.map(([name, { length }]) => ({ name, size: length, modifiedMs: 0 })), folders: [] };
    },
    async delete(key) {
      objects.delete(key);
    },
    close: async () => undefined,
  };
}

describe('a bucket that overwrites although it was asked not to', () => {
  test('is found out by the first write, and then looked at before and after each', async () => {
    const bucket = overwritingBucket();
    const store = createBucketStore(bucket, { place: 's3://b/p', prefix: 'p/', conditional: false });
    await store.put('job/a', Buffer.from('1'));
    await store.put('job/a', Buffer.from('1'));
    await refused(store.put('job/a', Buffer.from('2')), 'conflict');
    expect((await store.get('job/a')).toString()).toBe('1');
    bucket.calls.length = 0;
    await store.put('job/b', Buffer.from('1'));
    expect(bucket.calls).toEqual(['get', 'write', 'get']);
  });

  test('tells what another writer put there at the same moment', async () => {
    const bucket = overwritingBucket();
    const store = createBucketStore(bucket, { place: 's3://b/p', prefix: 'p/', conditional: false });
    await store.put('first', Buffer.from('1'));
    const { write } = bucket;
    bucket.write = async (key, bytes) => {
      await write(key, bytes);
      bucket.objects.set(key, Buffer.from('of another'));
    };
    await refused(store.put('job/a', Buffer.from('1')), 'conflict');
  });
});

test('a trial that fails is made again by the next write', async () => {
  const bucket = overwritingBucket();
  let away = true;
  const { create } = bucket;
  bucket.create = (key, bytes) =>
    away ? Promise.reject(new LedgerError('unavailable', key, 'away')) : create(key, bytes);
  const store = createBucketStore(bucket, { place: 's3://b', prefix: '', conditional: false });
  await refused(store.put('a', Buffer.from('1')), 'unavailable');
  away = false;
  await store.put('a', Buffer.from('1'));
  expect(await names(store, '')).toEqual(['a']);
});
