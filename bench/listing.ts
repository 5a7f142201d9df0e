import { parseArgs } from 'node:util';
import { AHEAD } from '../connectors/bucket/ahead-pages.ts';
import type { Connector } from '../connectors/connector.ts';
import { HttpFront } from '../test/connectors/http-front.ts';
import { parseCounts, UsageError } from './lib/arguments.ts';
import { cleanly } from './lib/cleanup.ts';
import { LISTED_STORES, type ListedStore } from './lib/stores/listed.ts';

const USAGE = 'usage: dsx bench listing [--kinds s3[,gcs]] [--objects 50k] [--latency MS]';
const RANGES = [1, 4];
const PER_FOLDER = 500;
const LAYOUTS = {
  flat: (i: number) => `flat/object-${String(i).padStart(8, '0')}`,
  folders: (i: number) =>
    `folders/${String(Math.floor(i / PER_FOLDER)).padStart(5, '0')}/object-${String(i % PER_FOLDER).padStart(4, '0')}`,
};

/**
 * `dsx bench listing`: 50,000 objects of one byte, flat and in folders of 500, in a store whose answers to a listing each come 100 ms
 * late; keys a second with one range and with four. Each listing must name every object once, in order. fake-gcs-server takes long to
 * be filled, and is measured only when it is named.
 */
export default async function listing(args: string[]): Promise<number> {
  try {
    const { kinds, objects, latency } = options(args);
    for (const kind of kinds) await measure(await LISTED_STORES[kind](), objects, latency);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n${USAGE}`);
    return 2;
  }
}

type Kind = keyof typeof LISTED_STORES;

function options(args: string[]): { kinds: Kind[]; objects: number; latency: number } {
  try {
    const given = { kinds: { type: 'string' }, objects: { type: 'string' }, latency: { type: 'string' } } as const;
    const { kinds = 's3', objects = '50k', latency = '100' } = parseArgs({ args, options: given }).values;
    const named = kinds.split(',').filter((kind): kind is Kind => Object.hasOwn(LISTED_STORES, kind));
    if (named.length < kinds.split(',').length)
      throw new UsageError(`--kinds: ${Object.keys(LISTED_STORES).join(', ')}`);
    return { kinds: named, objects: parseCounts('--objects', objects)[0] ?? 0, latency: Number(latency) };
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

async function measure(store: ListedStore, objects: number, latency: number): Promise<void> {
  const front = await HttpFront.start({ host: '127.0.0.1', port: store.port });
  front.treat = ({ method, url }) =>
    method === 'GET' && store.isListing(url)
      ? { after: new Promise((resolve) => setTimeout(resolve, latency)) }
      : 'pass';
  const stop = async () => {
    await front.close();
    await store.stop();
  };
  await cleanly(stop, async () => {
    console.log(`${store.title}, ${objects} objects, ${latency} ms a listing request`);
    for (const [layout, keyAt] of Object.entries(LAYOUTS)) {
      const keys = Array.from({ length: objects }, (_, i) => keyAt(i));
      await store.put(keys);
      for (const ranges of RANGES) {
        const connector = store.connector(front.port, `${layout}/`, { ...AHEAD, ranges });
        const began = performance.now();
        const requests = await listAll(connector, keys, layout.length + 1);
        const seconds = (performance.now() - began) / 1000;
        await connector.close();
        const rate = Math.round(objects / seconds);
        console.log(`  ${layout}, ${ranges} at once: ${seconds.toFixed(2)} s, ${rate} keys/s, ${requests} requests`);
      }
    }
  });
}

/** @returns requests. @throws Error when the listing is not exactly these keys, less the prefix, in order */
async function listAll(connector: Connector, keys: readonly string[], prefix: number): Promise<number> {
  const { signal } = new AbortController();
  const listing = connector.list({ includes: () => true, mayEnter: () => true }, undefined);
  let at = 0;
  for (let events = await listing.nextBatch(1_000, signal); events.length > 0; ) {
    for (const event of events) {
      if (event.kind !== 'item') continue;
      const { location } = event.item;
      if (location !== keys[at]?.slice(prefix)) throw new Error(`${location} is listed in place of ${keys[at]}`);
      at += 1;
    }
    events = await listing.nextBatch(1_000, signal);
  }
  await listing.close();
  if (at !== keys.length) throw new Error(`${at} of ${keys.length} objects were listed`);
  return listing.requests();
}
