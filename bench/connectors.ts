import { randomBytes } from 'node:crypto';
import type { Connector, ListScope } from '../connectors/connector.ts';
import type { Item } from '../domain/item.ts';
import { UsageError } from './lib/arguments.ts';
import { cleanly } from './lib/cleanup.ts';
import { median } from './lib/measure.ts';
import { type BenchStore, STORES } from './lib/stores/store.ts';

/** Objects and bytes of each set. */
const SETS = [
  { folder: 'small/', count: 2_000, bytes: 4_096 },
  { folder: 'large/', count: 24, bytes: 16 * 2 ** 20 },
] as const;
const AT_ONCE = [4, 8, 16, 32];
const ALTERNATIONS = 5;
const FLOOR = 0.9;

/**
 * `dsx bench connectors [KIND…]`: every object of a bucket, listed and read to its end by our connector, and by a bare loop of the vendor's SDK
 * at whichever number at once it is fastest. Ours must reach 0.9 of it, in objects and in bytes.
 */
export default async function connectors(args: string[]): Promise<number> {
  const names = args.length === 0 ? Object.keys(STORES) : args;
  const unknown = names.find((name) => !Object.hasOwn(STORES, name));
  if (unknown !== undefined) throw new UsageError(`no storage ${unknown}; there are ${Object.keys(STORES).join(', ')}`);
  const failed: string[] = [];
  for (const name of names) {
    const store = await STORES[name as keyof typeof STORES]();
    await cleanly(
      () => store.stop(),
      async () => {
        for (const set of SETS) if (!(await measure(store, set))) failed.push(`${name} ${set.folder}`);
      },
    );
  }
  console.log(failed.length === 0 ? `all at least ${FLOOR} of the bare loop` : `below ${FLOOR}: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

async function measure(store: BenchStore, { folder, count, bytes }: (typeof SETS)[number]): Promise<boolean> {
  const noise = randomBytes(bytes + count);
  const numbers = Array.from({ length: count }, (_, i) => i);
  await atOnce(8, numbers, async (i) => {
    await store.put(`${folder}${String(i).padStart(6, '0')}`, noise.subarray(i, i + bytes));
  });
  const connector = await store.connector();
  try {
    // Once, so that both are compiled.
    await bare(store, folder, 8);
    await ours(connector, folder, 8);
    let best = { runners: 0, seconds: Number.POSITIVE_INFINITY };
    for (const runners of AT_ONCE) {
      const seconds = await timed(() => bare(store, folder, runners));
      if (seconds < best.seconds) best = { runners, seconds };
    }
    const bares: number[] = [];
    const own: number[] = [];
    for (let i = 0; i < ALTERNATIONS; i++) {
      bares.push(await timed(() => bare(store, folder, best.runners)));
      own.push(await timed(() => ours(connector, folder, best.runners)));
    }
    const ratio = median(bares) / median(own);
    const rate = (seconds: number) =>
      `${(count / seconds).toFixed(0)} objects/s, ${((count * bytes) / seconds / 1e6).toFixed(1)} MB/s`;
    console.log(`${store.title}, ${count} x ${bytes} bytes, ${best.runners} at once`);
    console.log(`  bare ${rate(median(bares))}; ours ${rate(median(own))}; ratio ${ratio.toFixed(3)}`);
    return ratio >= FLOOR;
  } finally {
    await connector.close();
  }

  async function bare(from: BenchStore, below: string, runners: number): Promise<void> {
    const names: string[] = [];
    for await (const name of from.list(below)) names.push(name);
    expectAll(names.length, await sum(runners, names, (name) => from.read(name)));
  }

  async function ours(from: Connector, below: string, runners: number): Promise<void> {
    const items = await listed(from, below);
    expectAll(items.length, await sum(runners, items, (item) => readWhole(from, item)));
  }

  function expectAll(objects: number, read: number): void {
    if (objects !== count || read !== count * bytes) throw new Error(`${objects} objects, ${read} bytes were read`);
  }
}

const signal = new AbortController().signal;

async function listed(connector: Connector, below: string): Promise<Item[]> {
  const scope: ListScope = {
    includes: (location) => location.startsWith(below),
    mayEnter: (folder) => folder.startsWith(below),
  };
  const listing = connector.list(scope, undefined);
  const items: Item[] = [];
  for (let events = await listing.nextBatch(1_000, signal); events.length > 0; ) {
    for (const event of events) if (event.kind === 'item') items.push(event.item);
    events = await listing.nextBatch(1_000, signal);
  }
  await listing.close();
  return items;
}

async function readWhole(connector: Connector, item: Item): Promise<number> {
  const open = await connector.open(item, signal);
  let bytes = 0;
  try {
    for await (const chunk of open.read(signal)) bytes += chunk.length;
    await open.confirm();
    return bytes;
  } finally {
    await open.close();
  }
}

async function sum<T>(runners: number, items: readonly T[], read: (item: T) => Promise<number>): Promise<number> {
  let total = 0;
  await atOnce(runners, items, async (item) => {
    const bytes = await read(item);
    total += bytes;
  });
  return total;
}

async function atOnce<T>(runners: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const runner = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) await work(items[at] as T);
  };
  await Promise.all(Array.from({ length: runners }, runner));
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}
