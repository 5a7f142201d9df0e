import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActionReport, Connector, ListScope, Position } from '../../connectors/connector.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import type { ActionIntent, ActionRow } from '../../domain/action.ts';
import type { Item, ItemRef } from '../../domain/item.ts';
import { type Conformance, intentOn, itemsOf, listed, readWhole, rowOf, type Store } from './conformance.ts';
import type { HttpFront, Treatment } from './http-front.ts';

/** A store that speaks HTTP. `connector` speaks through `front`; every other method goes past it. */
export interface HttpStore extends Store {
  readonly front: HttpFront;
  /** What the store answers when it asks to slow down for two seconds, when credentials have expired, and when they do not suffice. */
  readonly answers: {
    readonly throttled: Treatment;
    readonly expired: Treatment;
    readonly forbidden: Treatment;
    readonly broken: Treatment;
  };
  /** Puts many small items, quickly. */
  putMany(locations: readonly string[]): Promise<void>;
  /** A new connector on the same store, past nothing that the first one has in memory. */
  another(): Connector;
}

export interface HttpConformance extends Conformance {
  readonly make: () => Promise<HttpStore>;
  /** Most items of one answer of a listing. */
  readonly pageSize: number;
  /** Requests of a new connector before the first page of a listing: finding a bucket by its name, say. None by default. */
  readonly requestsBefore?: number;
  /** Longest name of an item within the asset, in bytes of UTF-8. */
  readonly longestName: number;
  /** Item actions for which the store has no condition: a race is reported, not prevented. */
  readonly unconditional?: readonly ActionIntent['action'][];
}

const signal = new AbortController().signal;
const ALL: ListScope = { includes: () => true, mayEnter: () => true };
const at = (text: string) => Buffer.from(text, 'utf8');
const ref = (text: string): ItemRef => ({ location: text });
const evil = ref('dir/evil');
/** More changes than any action makes. */
const MOST_CHANGES = 30;

/** What every storage that is reached over HTTP must do, beside what every storage must do. */
export function httpConformance(options: HttpConformance): void {
  listing(options);
  refusals(options);
  streams(options);
  lostAnswers(options);
  races(options);
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

async function failureOf(call: Promise<unknown>): Promise<ConnectorError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
  throw new Error('nothing was raised');
}

function useStore(make: () => Promise<HttpStore>): () => HttpStore {
  let store: HttpStore;
  beforeEach(async () => {
    store = await make();
  });
  afterEach(() => store.close());
  return () => store;
}

function listing({ name, make, pageSize, longestName, requestsBefore = 0 }: HttpConformance): void {
  describe(`${name}: pages of a listing`, () => {
    const store = useStore(make);

    test.each([0, 1, pageSize - 1, pageSize, pageSize + 1])('%i items', async (count) => {
      const names = Array.from({ length: count }, (_, i) => `n/${String(i).padStart(6, '0')}`);
      await store().putMany(names);
      const listing = store().connector.list(ALL, undefined);
      const got: string[] = [];
      for (let events = await listing.nextBatch(500, signal); events.length > 0; ) {
        got.push(...itemsOf(events).map(({ location }) => location));
        events = await listing.nextBatch(500, signal);
      }
      expect(got.sort()).toEqual(names);
      expect(listing.requests()).toBeGreaterThan(0);
      expect(listing.requests()).toBeLessThanOrEqual(Math.ceil(count / pageSize) + 3);
      await listing.close();
    });

    test('a listing that fails at any of its requests goes on from its position, with nothing twice and nothing missing', async () => {
      const names = Array.from({ length: 2 * pageSize + 5 }, (_, i) => `n/${String(i).padStart(6, '0')}`);
      await store().putMany(names);
      const { front } = store();
      for (const treatment of ['cut', store().answers.broken, { cutBodyAfter: 700 }] as const) {
        const got: string[] = [];
        let position: Position | undefined;
        let failures = 0;
        for (let done = false; !done; ) {
          // Every connector meets one failure: the second page that it asks for, unless there is none.
          const connector = store().another();
          const from = front.requests.length + requestsBefore + 1;
          front.treat = () => (front.requests.length - 1 === from && failures < 20 ? treatment : 'pass');
          const listing = connector.list(ALL, position);
          try {
            for (let events = await listing.nextBatch(300, signal); events.length > 0; ) {
              got.push(...itemsOf(events).map(({ location }) => location));
              events = await listing.nextBatch(300, signal);
            }
            done = true;
          } catch (error) {
            failures += 1;
            expect(['storage_error', 'unreachable', 'throttled']).toContain((error as ConnectorError).code);
          }
          position = JSON.parse(JSON.stringify(listing.position()));
          await listing.close();
          await connector.close();
        }
        front.calm();
        expect(failures).toBeGreaterThan(0);
        expect(got.sort()).toEqual(names);
      }
    });

    test('a page is asked for when it is wanted, and not before', async () => {
      await store().putMany(Array.from({ length: 2 * pageSize + 1 }, (_, i) => `n/${String(i).padStart(6, '0')}`));
      const listing = store().another().list(ALL, undefined);
      await listing.next(signal);
      // One question more than the page: what kind of bucket it is, or the next page.
      expect(store().front.requests.length).toBeLessThanOrEqual(requestsBefore + 2);
      await listing.close();
    });

    test('while a page is waited for, items are read', async () => {
      await store().put(at('x'), at('bytes'));
      const { connector, front } = store();
      await readWhole(connector, ref('x'));
      const held = Promise.withResolvers<void>();
      const asked = Promise.withResolvers<void>();
      const from = front.requests.length;
      front.treat = () => {
        if (front.requests.length > from + 1) return 'pass';
        asked.resolve();
        return { after: held.promise };
      };
      const listing = connector.list(ALL, undefined);
      const first = listing.next(signal);
      await asked.promise;
      expect((await readWhole(connector, ref('x'))).bytes.toString()).toBe('bytes');
      held.resolve();
      expect(await first).toMatchObject({ kind: 'item', item: { location: 'x' } });
      await listing.close();
    });

    test('names as long as the store takes them', async () => {
      for (const location of ['x'.repeat(longestName), `${'é'.repeat(Math.floor(longestName / 2) - 1)}z`]) {
        await store().put(at(location), at('long'));
        expect((await readWhole(store().connector, ref(location))).bytes.toString()).toBe('long');
        expect((await listed(store().connector)).map((item) => item.location)).toContain(location);
        await store().remove(at(location));
      }
    });
  });
}

function refusals({ name, make }: HttpConformance): void {
  describe(`${name}: what the store refuses`, () => {
    const store = useStore(make);
    beforeEach(async () => {
      await store().put(at('dir/evil'), at('evil bytes'));
    });

    const calls: [string, (connector: Connector) => Promise<unknown>][] = [
      ['list', (connector) => connector.list(ALL, undefined).next(signal)],
      ['open', (connector) => connector.open(evil, signal)],
      ['stat', (connector) => connector.stat(evil, signal)],
      ['fingerprint', (connector) => connector.fingerprint(signal)],
    ];
    describe.each(calls)('%s', (what, call) => {
      test('asked to slow down, it says so and for how long', async () => {
        store().front.treat = () => store().answers.throttled;
        const error = await failureOf(call(store().connector));
        expect(error).toMatchObject({ code: 'throttled', retryAfterMs: 2_000 });
        // Waiting is Temporal's: one question, not a row of them.
        expect(store().front.requests.length).toBeLessThanOrEqual(3);
      });

      test('expired credentials hold the connector', async () => {
        store().front.treat = () => store().answers.expired;
        expect((await failureOf(call(store().connector))).code).toBe('credentials');
      });

      test('a missing permission is told as such', async () => {
        // What a connector finds out about the store as a whole, it has found: this is about the item.
        if (what === 'open') await store().connector.stat(evil, signal);
        store().front.treat = () => store().answers.forbidden;
        const { code, message } = await failureOf(call(store().connector));
        expect(['permission_denied', 'configuration', 'credentials']).toContain(code);
        expect(message.length).toBeGreaterThan(20);
        if (what === 'open') expect(code).toBe('permission_denied');
      });

      test('a store that answers nothing is unreachable', async () => {
        store().front.treat = () => 'cut';
        expect(['unreachable', 'storage_error']).toContain((await failureOf(call(store().connector))).code);
      });

      test('an endpoint that answers with a web page is a mistake in the settings', async () => {
        const body = '<!DOCTYPE html><html><body>Welcome</body></html>';
        store().front.treat = () => ({ status: 200, headers: { 'content-type': 'text/html' }, body });
        const result = await call(store().connector).then(
          () => 'answered',
          (error: unknown) => (error as ConnectorError).code,
        );
        expect(result).toBe('configuration');
      });
    });
  });
}

function streams({ name, make }: HttpConformance): void {
  describe(`${name}: large items`, () => {
    const store = useStore(make);

    test('200 MiB stream through whole, in little memory', async () => {
      const bytes = Buffer.alloc(200 * 2 ** 20);
      for (let i = 0; i < bytes.length; i += 4096) bytes.writeUInt32LE(i, i);
      await store().put(at('large'), bytes);
      const expected = createHash('sha256').update(bytes).digest('hex');
      const hash = createHash('sha256');
      const open = await store().connector.open(ref('large'), signal);
      let held = 0;
      collectGarbage();
      const before = process.memoryUsage().arrayBuffers;
      let looked = 0;
      let read = 0;
      for await (const chunk of open.read(signal)) {
        hash.update(chunk);
        read += chunk.length;
        if (read - looked < 4 * 2 ** 20) continue;
        looked = read;
        // What is held, not what the collector has not come to: the front's chunks are in this process too.
        collectGarbage();
        held = Math.max(held, process.memoryUsage().arrayBuffers - before);
      }
      await open.confirm();
      await open.close();
      expect(hash.digest('hex')).toBe(expected);
      expect(held).toBeLessThan(96 * 2 ** 20);
    }, 120_000);

    test('a body that breaks off is never taken for whole', async () => {
      const bytes = Buffer.alloc(3_000_000, 'x');
      await store().put(at('x'), bytes);
      for (const after of [0, 1, 1_000_000, bytes.length - 1]) {
        let bodies = 0;
        store().front.treat = ({ method }) => (method === 'GET' && ++bodies > 0 ? { cutBodyAfter: after } : 'pass');
        const connector = store().another();
        const result = await readWhole(connector, ref('x')).then(
          (read) => read.bytes.length,
          (error: unknown) => (error as ConnectorError).code,
        );
        expect(['storage_error', 'unreachable', bytes.length]).toContain(result);
        store().front.calm();
        await connector.close();
      }
    });
  });
}

function fresh(make: () => Promise<HttpStore>): () => Promise<HttpStore> {
  return async () => {
    const store = await make();
    await store.put(at('dir/evil'), at('evil bytes'));
    await store.put(at('dir/good'), at('good bytes'));
    return store;
  };
}

/** Runs an action with its n-th change treated, for every n, until it makes no so many changes. Returns how often it was. */
async function eachChange(
  make: () => Promise<HttpStore>,
  action: ActionIntent['action'],
  body: (store: HttpStore, intent: ActionIntent, n: number, met: { value: boolean }) => Promise<void>,
): Promise<number> {
  for (let n = 0; n < MOST_CHANGES; n++) {
    const store = await make();
    try {
      const met = { value: false };
      await body(store, await intentOn(store.connector, evil, action), n, met);
      if (!met.value) return n;
    } finally {
      await store.close();
    }
  }
  throw new Error(`more than ${MOST_CHANGES} changes`);
}

function lostAnswers({ name, make, actions = ['delete', 'move', 'movetag', 'tag'] }: HttpConformance): void {
  describe(`${name}: an answer that is lost`, () => {
    test.each(actions)('%s is done once, whichever answer is lost', async (action) => {
      const times = await eachChange(fresh(make), action, async (store, intent, n, met) => {
        void store.front.atChange(n, 'lose-answer').met.then(() => {
          met.value = true;
        });
        await store.connector.act(intent, signal);
        store.front.calm();
        const report = await store.connector.act(intent, signal);
        expect(report.state).toBe('done');
        await expectDone(store, intent, report);
        expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'already_applied' });
      });
      expect(times).toBeGreaterThan(0);
    });

    test.each(actions.includes('move') ? ['restore'] : [])('%s too', async () => {
      for (let n = 0; n < MOST_CHANGES; n++) {
        const store = await fresh(make)();
        try {
          const intent = await intentOn(store.connector, evil, 'move');
          const row: ActionRow = rowOf(intent, await store.connector.act(intent, signal));
          let met = false;
          void store.front.atChange(n, 'lose-answer').met.then(() => {
            met = true;
          });
          await store.connector.restore(row, signal);
          store.front.calm();
          expect((await store.connector.restore(row, signal)).state).toBe('done');
          expect((await store.contents()).get('dir/evil')?.toString()).toBe('evil bytes');
          expect(await store.quarantined(intent.destination as string)).toBeUndefined();
          if (!met) return;
        } finally {
          await store.close();
        }
      }
    });
  });
}

async function expectDone(store: HttpStore, intent: ActionIntent, report: ActionReport): Promise<void> {
  const contents = await store.contents();
  expect(contents.get('dir/good')?.toString()).toBe('good bytes');
  expect(contents.get('dir/evil')?.toString()).toBe(intent.action === 'tag' ? 'evil bytes' : undefined);
  if (intent.action !== 'move' && intent.action !== 'movetag') return;
  expect((await store.quarantined(intent.destination as string))?.toString()).toBe('evil bytes');
  expect(report.undo).toBeDefined();
}

function races(options: HttpConformance): void {
  const { name, make, actions = ['delete', 'move', 'movetag', 'tag'], unconditional = [] } = options;
  describe(`${name}: an item that is replaced while a request is held`, () => {
    test.each(actions)('%s: the new one stays, whichever request it was', async (action) => {
      const told = new Set<string>();
      const times = await eachChange(fresh(make), action, async (store, intent, n, met) => {
        const held = Promise.withResolvers<void>();
        const { met: came } = store.front.atChange(n, { after: held.promise });
        const acting = store.connector.act(intent, signal);
        met.value = await Promise.race([came.then(() => true), acting.then(() => false)]);
        if (!met.value) return;
        await store.put(at('dir/evil'), at('new, good!'));
        held.resolve();
        const report = await acting;
        store.front.calm();
        const contents = await store.contents();
        expect(contents.get('dir/evil')?.toString()).toBe('new, good!');
        expect(contents.get('dir/good')?.toString()).toBe('good bytes');
        expect([...contents.keys()].filter((key) => key.startsWith('dir/')).sort()).toEqual(['dir/evil', 'dir/good']);
        await expectTold(store, intent, report, unconditional.includes(action));
        told.add(`${report.state}:${report.code}`);
      });
      expect(times).toBeGreaterThan(0);
      // Somewhere on the way it must have been too late for the action.
      if (!unconditional.includes(action)) expect(told).toContain('refused:version_changed');
    });
  });
}

/** The new version is told, to be scanned; or the judged one was gone before the new one came. */
async function expectTold(
  store: HttpStore,
  intent: ActionIntent,
  report: ActionReport,
  unconditional: boolean,
): Promise<void> {
  const current: Item = await store.connector.stat(evil, signal);
  if (report.state === 'refused') {
    expect(report).toMatchObject({ code: 'version_changed', current });
    return;
  }
  if (unconditional) {
    // The store has no condition: what was touched is said, with the race.
    expect(report.note).toMatch(/changed|replaced|another/);
    return;
  }
  expect(report.state).toBe('done');
  if (intent.action === 'move' || intent.action === 'movetag') {
    expect((await store.quarantined(intent.destination as string))?.toString()).toBe('evil bytes');
  }
  expect(current.version).not.toBe(intent.judged.version);
}
