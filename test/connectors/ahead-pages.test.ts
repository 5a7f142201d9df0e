import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AHEAD, AheadPages } from '../../connectors/bucket/ahead-pages.ts';
import { compareBytes, type KeyLister, type KeyPage, type KeyPlace } from '../../connectors/bucket/key-range.ts';

const signal = new AbortController().signal;
const SEED = { seed: 11, numRuns: 300 };

/** A store of keys in an order of its own, whose answers come in whatever order a test lets them. */
class Keys implements KeyLister<string> {
  keys: string[];
  readonly asked: KeyPlace[] = [];
  readonly #size: number;
  readonly #order: (a: string, b: string) => number;
  under = 0;
  most = 0;
  /** Before each answer. */
  before: (place: KeyPlace, signal: AbortSignal) => Promise<void> = async () => undefined;

  constructor(keys: readonly string[], size: number, order = compareBytes) {
    this.#order = order;
    this.keys = [...new Set(keys)].sort(order);
    this.#size = size;
  }

  keyOf(key: string): string {
    return key;
  }

  async page(place: KeyPlace, stop: AbortSignal): Promise<KeyPage<string>> {
    stop.throwIfAborted();
    this.asked.push(place);
    this.under += 1;
    this.most = Math.max(this.most, this.under);
    try {
      await this.before(place, stop);
      stop.throwIfAborted();
    } finally {
      this.under -= 1;
    }
    const { from, cursor } = place;
    const isIn = (key: string) =>
      cursor !== undefined ? this.#order(key, cursor) > 0 : from === undefined || this.#order(key, from) >= 0;
    const left = this.keys.filter(isIn);
    const entries = left.slice(0, this.#size);
    return { entries, ...(left.length > this.#size && { cursor: entries.at(-1) as string }) };
  }
}

async function all(pages: AheadPages<string>, got: string[] = []): Promise<string[]> {
  for (let more = true; more; ) {
    const page = await pages.next(signal);
    got.push(...page.entries);
    more = page.more;
  }
  return got;
}

const names = fc.oneof(
  fc.array(fc.stringMatching(/^[0-9a-f]{4}$/), { maxLength: 120 }),
  fc.array(fc.stringMatching(/^[a-c]\/?[a-b]?[.-]?\d{0,2}$/), { maxLength: 120 }),
  fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }), { maxLength: 120 }),
  fc.nat(120).map((count) => Array.from({ length: count }, (_, i) => `n/${String(i).padStart(6, '0')}`)),
);
const options = fc.record({
  ranges: fc.integer({ min: 1, max: 5 }),
  pagesEach: fc.integer({ min: 1, max: 5 }),
  pagesBefore: fc.nat(4),
});
const size = fc.integer({ min: 1, max: 9 });

test('every key once and in the order of the store, in whatever order answers come', async () => {
  const run = async (keys: string[], most: number, how: typeof AHEAD, scheduler: fc.Scheduler) => {
    const store = new Keys(keys, most);
    store.before = () => scheduler.schedule(Promise.resolve());
    const got = await scheduler.waitFor(all(new AheadPages(store, how, {})));
    expect(got).toEqual(store.keys);
    expect(store.most).toBeLessThanOrEqual(Math.max(1, how.ranges));
  };
  await fc.assert(fc.asyncProperty(names, size, options, fc.scheduler(), run), SEED);
});

test('a store with an order of its own is listed all the same: every key once', async () => {
  // What lies in a folder right behind it, as in a hierarchical namespace.
  const order = (a: string, b: string) => compareBytes(a.replaceAll('/', '\u0001'), b.replaceAll('/', '\u0001'));
  const run = async (keys: string[], most: number, how: typeof AHEAD, scheduler: fc.Scheduler) => {
    const store = new Keys(keys, most, order);
    store.before = () => scheduler.schedule(Promise.resolve());
    expect(await scheduler.waitFor(all(new AheadPages(store, how, {})))).toEqual(store.keys);
  };
  await fc.assert(fc.asyncProperty(names, size, options, fc.scheduler(), run), SEED);
});

test('a store that can not begin at a key is listed one page after the other', async () => {
  const store = new Keys(
    Array.from({ length: 200 }, (_, i) => String(1000 + i)),
    10,
  );
  const ask = store.page.bind(store);
  store.page = ({ cursor }, stop) => ask(cursor === undefined ? {} : { cursor }, stop);
  expect(await all(new AheadPages(store, AHEAD, {}))).toEqual(store.keys);
});

test('what fails is told when its turn comes, and asking again goes on: nothing twice, nothing missing', async () => {
  const run = async (keys: string[], most: number, how: typeof AHEAD, failing: number[], scheduler: fc.Scheduler) => {
    const store = new Keys(keys, most);
    store.before = async () => {
      const at = store.asked.length;
      await scheduler.schedule(Promise.resolve());
      if (failing.includes(at)) throw new Error(`request ${at}`);
    };
    const pages = new AheadPages(store, how, {});
    const got: string[] = [];
    const work = async () => {
      for (let failures = 0; ; failures++) {
        try {
          return await all(pages, got);
        } catch (error) {
          expect((error as Error).message).toMatch(/^request/);
          expect(failures).toBeLessThan(failing.length);
          expect(got).toEqual(store.keys.slice(0, got.length));
        }
      }
    };
    expect(await scheduler.waitFor(work())).toEqual(store.keys);
  };
  const failing = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 10 });
  await fc.assert(fc.asyncProperty(names, size, options, failing, fc.scheduler(), run), SEED);
});

test('going on behind any page taken, from the last key, gives exactly what follows', async () => {
  const run = async (keys: string[], most: number, how: typeof AHEAD, cut: number) => {
    const store = new Keys(keys, most);
    const pages = new AheadPages(store, how, {});
    const got: string[] = [];
    let more = true;
    for (let i = 0; i <= cut && more; i++) {
      const page = await pages.next(signal);
      got.push(...page.entries);
      more = page.more;
    }
    pages.stop();
    const last = got.at(-1);
    const rest = last === undefined ? {} : { cursor: last };
    expect([...got, ...(await all(new AheadPages(store, how, rest, true)))]).toEqual(store.keys);
  };
  await fc.assert(fc.asyncProperty(names, size, options, fc.nat(30), run), SEED);
});

test('a skip leaves out what lies before its key, and nothing else', async () => {
  const run = async (keys: string[], most: number, how: typeof AHEAD, skips: number[], scheduler: fc.Scheduler) => {
    const store = new Keys(keys, most);
    store.before = () => scheduler.schedule(Promise.resolve());
    const pages = new AheadPages(store, how, {});
    let left = [...store.keys];
    const work = async () => {
      for (let at = 0, more = true; more; at++) {
        const page = await pages.next(signal);
        expect(page.entries).toEqual(left.slice(0, page.entries.length));
        left = left.slice(page.entries.length);
        more = page.more;
        const to = left[skips[at] ?? -1];
        if (!more || to === undefined) continue;
        pages.skipTo(to);
        left = left.slice(skips[at]);
      }
    };
    await scheduler.waitFor(work());
    expect(left).toEqual([]);
  };
  const skips = fc.array(fc.nat(30), { maxLength: 10 });
  await fc.assert(fc.asyncProperty(names, size, options, skips, fc.scheduler(), run), SEED);
});

test('keys that come and go meanwhile: what was there all the time comes once', async () => {
  const run = async (keys: string[], most: number, how: typeof AHEAD, fleeting: number[], scheduler: fc.Scheduler) => {
    const store = new Keys(keys, most);
    const some = fleeting.map((at) => store.keys[at]).filter((key) => key !== undefined);
    const stay = store.keys.filter((key) => !some.includes(key));
    const whole = store.keys;
    store.before = async () => {
      await scheduler.schedule(Promise.resolve());
      store.keys = store.asked.length % 2 === 0 ? stay : whole;
    };
    const got = await scheduler.waitFor(all(new AheadPages(store, how, {})));
    expect(got.filter((key) => stay.includes(key))).toEqual(stay);
    expect(new Set(got).size).toBe(got.length);
  };
  await fc.assert(
    fc.asyncProperty(names, size, options, fc.array(fc.nat(120), { maxLength: 60 }), fc.scheduler(), run),
    SEED,
  );
});

/** Rounds that a listing takes when all that is asked at once is answered at once, and what it held at most. */
async function rounds(store: Keys, ranges: number): Promise<{ rounds: number; held: number; asked: number }> {
  let count = 0;
  let gate = Promise.withResolvers<void>();
  store.before = () => gate.promise;
  const pages = new AheadPages(store, { ...AHEAD, ranges }, {});
  let held = 0;
  let done = false;
  const work = all(pages).then((got) => {
    done = true;
    expect(got).toEqual(store.keys);
  });
  while (!done) {
    for (let i = 0; i < 50; i++) await Promise.resolve();
    await new Promise(setImmediate);
    held = Math.max(held, pages.held);
    count += 1;
    gate.resolve();
    gate = Promise.withResolvers();
    await new Promise(setImmediate);
  }
  await work;
  return { rounds: count, held, asked: store.asked.length };
}

/** Name, most rounds as a part of those of one range, key. */
const LAYOUTS: [string, number, (i: number) => string][] = [
  ['numbered', 0.3, (i) => `n/${String(i).padStart(8, '0')}`],
  ['hashes', 0.35, (i) => ((i * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0')],
  [
    'a page to a folder',
    0.4,
    (i) => `dir-${String(Math.floor(i / 100)).padStart(5, '0')}/${String(i % 100).padStart(6, '0')}`,
  ],
  [
    'ten to a folder',
    0.3,
    (i) => `dir-${String(Math.floor(i / 10)).padStart(5, '0')}/${String(i % 10).padStart(6, '0')}`,
  ],
  [
    'ten pages to a folder',
    0.45,
    (i) => `dir-${String(Math.floor(i / 1000)).padStart(5, '0')}/${String(i % 1000).padStart(6, '0')}`,
  ],
  [
    'by the day',
    0.6,
    (i) =>
      `2026/${String(1 + Math.floor(i / 2000)).padStart(2, '0')}/${String(1 + (Math.floor(i / 100) % 20)).padStart(2, '0')}/img-${String(i % 100)}.jpg`,
  ],
];
test.each(LAYOUTS)(
  '%s: four ranges are faster than one by what can be known of the keys, and hold what they may',
  async (_name, most, keyAt) => {
    const keys = Array.from({ length: 20_000 }, (_, i) => keyAt(i));
    const one = await rounds(new Keys(keys, 100), 1);
    const four = await rounds(new Keys(keys, 100), 4);
    expect(four.rounds).toBeLessThan(one.rounds * most);
    expect(four.held).toBeLessThanOrEqual(AHEAD.ranges * AHEAD.pagesEach);
    expect(four.asked).toBeLessThan(one.asked * 1.4);
  },
);

test('a small listing costs what it did: a page for a request, nothing ahead', async () => {
  const store = new Keys(
    Array.from({ length: 30 }, (_, i) => String(100 + i)),
    10,
  );
  await all(new AheadPages(store, AHEAD, {}));
  expect(store.asked.length).toBe(3);
  expect(store.most).toBe(1);
});

test('an abort ends all that is under way, and the listing can go on', async () => {
  const store = new Keys(
    Array.from({ length: 400 }, (_, i) => String(1000 + i)),
    10,
  );
  const pages = new AheadPages(store, { ...AHEAD, pagesBefore: 1 }, {});
  const stops: AbortSignal[] = [];
  store.before = async (_, stop) => {
    if (store.asked.length === 1) return;
    stops.push(stop);
    return new Promise((_resolve, reject) => stop.addEventListener('abort', () => reject(stop.reason)));
  };
  const got = [...(await pages.next(signal)).entries];
  const abort = new AbortController();
  const waiting = pages.next(abort.signal);
  abort.abort(new Error('stop'));
  await expect(waiting).rejects.toThrow('stop');
  expect(stops.length).toBeGreaterThan(0);
  expect(stops.every(({ aborted }) => aborted)).toBe(true);
  store.before = async () => undefined;
  expect(await all(pages, got)).toEqual(store.keys);
});
