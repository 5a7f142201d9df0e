import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../../ledger/store.ts';
import { HttpFront } from '../../connectors/http-front.ts';
import { names, refused, storeConformance } from '../store-conformance.ts';

/** How the suite opens a store of one kind. */
export interface BucketPlant {
  /** Origin of the real server. */
  readonly origin: string;
  /** A store in a bucket that is there. `origin`: through which it is reached. */
  open(origin: string, prefix: string, pageItems?: number): Promise<ObjectStore>;
  /** The same in a bucket that is not there. */
  openAbsent(origin: string): Promise<ObjectStore>;
  /** The same with credentials that the server does not accept; absent where it accepts any, or does not say that it is for them. */
  openStranger?(origin: string): Promise<ObjectStore>;
  /** Bodies of the answers of a store that refuses. */
  refusal(status: number, code: string): { status: number; headers: Record<string, string>; body: string };
  readonly codes: {
    readonly throttled: string;
    readonly forbidden: string;
    readonly absent: string;
    readonly stranger: readonly [status: number, code: string];
  };
  stop(): Promise<void>;
}

/** What the store of every kind of bucket must do. */
export function bucketSuite(what: string, start: () => Promise<BucketPlant>): void {
  let plant: BucketPlant;
  let front: HttpFront;
  beforeAll(async () => {
    plant = await start();
    const { hostname, port } = new URL(plant.origin);
    front = await HttpFront.start({ host: hostname, port: Number(port) });
  }, 120_000);
  afterAll(async () => {
    await front.close();
    await plant.stop();
  });
  beforeEach(() => front.calm());
  const through = (): string => `http://127.0.0.1:${front.port}`;
  const fresh = (): string => `ledgers/${randomUUID()}/`;
  const opened = async (prefix = fresh(), pageItems?: number): Promise<ObjectStore> =>
    plant.open(through(), prefix, pageItems);

  storeConformance(what, async () => {
    const store = await plant.open(plant.origin, fresh());
    return { store, close: async () => store.close?.() };
  });

  describe(what, () => {
    test('keeps to its prefix, whatever lies beside it', async () => {
      const prefix = fresh();
      const store = await opened(prefix);
      const beside = await opened(`${prefix.slice(0, -1)}-old/`);
      await store.put('job/pages/1', Buffer.from('1'));
      await beside.put('job/pages/2', Buffer.from('2'));
      expect(await names(store, '')).toEqual(['job/pages/1']);
      await refused(store.get('job/pages/2'), 'not_found');
    });

    test('lists page after page, to the end, files and folders', async () => {
      const store = await opened(fresh(), 7);
      const wanted = Array.from({ length: 20 }, (_, n) => `job-${String(n).padStart(2, '0')}/job.json`);
      await Promise.all(wanted.map((name) => store.put(name, Buffer.from(name))));
      expect(await names(store, '')).toEqual(wanted);
      const folders: string[] = [];
      for await (const name of store.folders('')) folders.push(name);
      expect(folders.sort()).toEqual(wanted.map((name) => name.slice(0, 6)));
    });

    test('makes one request to write, one to read, one to remove, and one for each page of a listing', async () => {
      const store = await opened();
      await store.put('first', Buffer.from('1'));
      const requests = async (run: () => Promise<unknown>): Promise<number> => {
        const before = front.requests.length;
        await run();
        return front.requests.length - before;
      };
      expect(await requests(() => store.put('a/b', randomBytes(300_000)))).toBe(1);
      expect(await requests(() => store.get('a/b'))).toBe(1);
      expect(await requests(() => names(store, 'a/'))).toBe(1);
      expect(await requests(() => store.put('first', Buffer.from('1')))).toBe(2);
      expect(await requests(() => store.delete('a/b'))).toBe(1);
    });

    test('tries once, and tells throttling, faults and lost connections as what may pass', async () => {
      const store = await opened();
      await store.put('here', randomBytes(100_000));
      const { throttled } = plant.codes;
      for (const treatment of [
        plant.refusal(503, throttled),
        plant.refusal(429, throttled),
        plant.refusal(500, 'InternalError'),
        { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad gateway</html>' },
        'cut',
      ] as const) {
        const before = front.requests.length;
        front.treat = () => treatment;
        await refused(store.put('new', Buffer.from('1')), 'unavailable');
        await refused(store.get('here'), 'unavailable');
        await refused(names(store, ''), 'unavailable');
        expect(front.requests.length - before).toBe(3);
      }
      front.calm();
      await refused(store.get('new'), 'not_found');
    });

    test.each([
      ['text/html', '<!DOCTYPE html><html><body>Welcome</body></html>'],
      ['application/json', '{"status":"ok"}'],
      ['application/xml', '<?xml version="1.0"?><Welcome><IsTruncated>false</IsTruncated></Welcome>'],
      ['text/plain', ''],
    ])('never takes the answer of something else (%s) for its own', async (type, body) => {
      const store = await opened();
      await store.put('here', Buffer.from('1'));
      front.treat = () => ({ status: 200, headers: { 'content-type': type }, body });
      await refused(names(store, ''), 'unavailable');
      await refused(store.put('new', Buffer.from('1')), 'unavailable');
      await refused(store.get('here'), 'unavailable');
    });

    test('never takes a part of an object for the whole', async () => {
      const store = await opened();
      await store.put('here', randomBytes(100_000));
      front.treat = ({ method }) => (method === 'GET' ? { cutBodyAfter: 50_000 } : 'pass');
      await refused(store.get('here'), 'unavailable');
    });

    test('accepts its own write again after the answer to it was lost', async () => {
      const store = await opened();
      await store.put('first', Buffer.from('1'));
      front.atChange(0, 'lose-answer');
      await refused(store.put('a', Buffer.from('1')), 'unavailable');
      await store.put('a', Buffer.from('1'));
      await refused(store.put('a', Buffer.from('2')), 'conflict');
    });

    test('tells what may not be read, written and removed, and where', async () => {
      const store = await opened();
      await store.put('here', Buffer.from('1'));
      front.treat = () => plant.refusal(403, plant.codes.forbidden);
      await refused(store.get('here'), 'not_readable');
      await refused(names(store, ''), 'not_readable');
      await refused(store.delete('here'), 'not_writable');
      const error = await store.put('new', Buffer.from('1')).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'not_writable' });
      expect(String(error)).toContain(store.place.split('/').at(-1));
    });

    test('tells a bucket that is not there from an object that is not there', async () => {
      const store = await plant.openAbsent(plant.origin);
      await refused(store.get('a'), 'not_there');
      await refused(names(store, ''), 'not_there');
      // Some servers for tests make a bucket when something is put into it.
      front.treat = () => plant.refusal(404, plant.codes.absent);
      await refused((await opened()).put('a', Buffer.from('1')), 'not_there');
    });

    test('tells credentials that are not accepted', async () => {
      const known = await opened();
      front.treat = () => plant.refusal(...plant.codes.stranger);
      await refused(known.get('a'), 'credentials');
      const store = await plant.openStranger?.(plant.origin);
      if (store === undefined) return;
      await refused(store.put('a', Buffer.from('1')), 'credentials');
      const error = await store.get('a').catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'credentials' });
      expect(String(error)).not.toContain('c2VjcmV0');
    });

    test('tells a server that is not there', async () => {
      const gone = await HttpFront.start({ host: '127.0.0.1', port: 9 });
      const store = await plant.open(`http://127.0.0.1:${gone.port}`, fresh());
      await gone.close();
      await refused(store.put('a', Buffer.from('1')), 'unavailable');
      await refused(store.get('a'), 'unavailable');
    });
  });
}
