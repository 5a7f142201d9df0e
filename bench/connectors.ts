import { randomBytes } from 'node:crypto';
import { UsageError } from './lib/arguments.ts';
import { cleanly } from './lib/cleanup.ts';
import { type Cost, inRounds, middleOf, type Ratio, ratioOf } from './lib/rounds.ts';
import { atOnce, bareReading, connectorReading, type Reading } from './lib/stores/reading.ts';
import { type BenchStore, STORES } from './lib/stores/store.ts';

/** Objects and bytes of each set. The few come first: a drive is listed whole, whichever folder is asked for. */
const SETS = [
  { folder: 'large/', count: 24, bytes: 16 * 2 ** 20 },
  { folder: 'small/', count: 2_000, bytes: 4_096 },
] as const;
type Set = (typeof SETS)[number];
const AT_ONCE = [4, 8, 16, 32];
const ROUNDS = 11;
const FLOOR = 0.9;

/**
 * `dsx bench connectors [KIND…]`: every object of a folder, listed and read to its end by our connector, and by a bare loop of the vendor's
 * SDK at whichever number at once it is fastest. Ours must reach 0.9 of it, by the clock or by CPU of this process: the server is another
 * one that shares the cores, so that by the clock its speed is measured along with ours.
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
  console.log(
    `judged by the better of two ratios, time and CPU of this process: the servers share this machine's cores`,
  );
  console.log(failed.length === 0 ? `all at least ${FLOOR} of the bare loop` : `below ${FLOOR}: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

/** @returns whether ours is fast enough */
async function measure(store: BenchStore, set: Set): Promise<boolean> {
  const { folder, count, bytes } = set;
  const noise = randomBytes(bytes + count);
  const numbers = Array.from({ length: count }, (_, i) => i);
  await atOnce(8, numbers, async (i) => {
    await store.put(`${folder}${String(i).padStart(6, '0')}`, noise.subarray(i, i + bytes));
  });
  const connector = await store.connector();
  const bare = bareReading(store.list, store.read);
  const readings: Record<string, Reading> = { bare, ours: connectorReading(connector) };
  if (store.prove !== undefined) readings['bare with the same proof'] = bareReading(store.list, store.prove);
  try {
    const runners = await bestFor(bare, Object.values(readings), set);
    const runs = Object.entries(readings).map(
      ([name, reading]) => [name, () => costOf(reading, set, runners)] as const,
    );
    const costs = await inRounds(ROUNDS, new Map(runs));
    const ours = costs.get('ours') ?? [];
    console.log(`${store.title}, ${count} x ${bytes} bytes, ${runners} at once`);
    let fast = false;
    for (const [name, all] of costs) {
      const [time, cpu] = [ratioOf('seconds', all, ours), ratioOf('cpu', all, ours)];
      if (name !== 'ours') fast = Math.max(time.median, cpu.median) >= FLOOR;
      const ratio = name === 'ours' ? '' : `; ratio of ours: time ${ratioText(time)}, CPU ${ratioText(cpu)}`;
      console.log(`  ${name}: ${shown(middleOf(all), set)}${ratio}`);
    }
    return fast;
  } finally {
    await connector.close();
  }
}

/** How many at once the bare loop is fastest with. All others read as often meanwhile, so that all are compiled alike. */
async function bestFor(bare: Reading, all: readonly Reading[], set: Set): Promise<number> {
  for (const reading of all) await costOf(reading, set, 8);
  let best = { runners: 0, seconds: Number.POSITIVE_INFINITY };
  for (const runners of AT_ONCE) {
    for (const reading of all) {
      const { seconds } = await costOf(reading, set, runners);
      if (reading === bare && seconds < best.seconds) best = { runners, seconds };
    }
  }
  return best.runners;
}

/** @throws Error when not all of the set was read */
async function costOf(reading: Reading, { folder, count, bytes }: Set, runners: number): Promise<Cost> {
  const before = process.cpuUsage();
  const began = performance.now();
  const read = await reading(folder, runners);
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(before);
  if (read.objects !== count || read.bytes !== count * bytes) {
    throw new Error(`${read.objects} objects, ${read.bytes} bytes were read`);
  }
  return { seconds, cpu: (user + system) / 1e6 };
}

function ratioText({ median, low, high }: Ratio): string {
  return `${median.toFixed(3)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

function shown({ seconds, cpu }: Cost, { count, bytes }: Set): string {
  const rates = [`${(count / seconds).toFixed(0)} objects/s`, `${((count * bytes) / seconds / 1e6).toFixed(1)} MB/s`];
  return [...rates, `${((cpu * 1_000) / count).toFixed(3)} CPU ms an object`].join(', ');
}
