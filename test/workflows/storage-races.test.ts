import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ActionRow } from '../../domain/action.ts';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { EICAR } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';
import { type RacedStore, racedAzure, racedGcs, racedGraph, racedS3, sha256 } from '../support/raced-stores.ts';

/** Each is malicious when it is listed; the first four are replaced by clean ones. */
const RACED = { listed: 'b-listed.bin', opened: 'c-opened.bin', judged: 'd-judged.bin', acted: 'e-acted.bin' };
const MOVED = 'f-moved.bin';
/** The first: it is the one that the check of a connector may open. */
const CLEAN = 'a-clean.bin';
/** Replaced so that neither name nor size tells. */
const good = (name: string): string => `Harmless now: ${name}`.padEnd(EICAR.length, '.');
/** What is raced is replaced well within it. Milliseconds. */
const LATENCY = 3_000;

const STORES = { s3: racedS3, azure: racedAzure, gcs: racedGcs, graph: racedGraph };
type Name = keyof typeof STORES;
let stores: Record<Name, RacedStore>;
let plant: Plant;

beforeAll(async () => {
  const started = Object.entries(STORES).map(async ([name, start]) => [name, await start()] as const);
  stores = Object.fromEntries(await Promise.all(started)) as typeof stores;
  plant = await Plant.start();
  const file = path.join(plant.home, 'dsx-connect.yaml');
  const connectors = Object.entries(stores).map(([id, { connector }]) => ({ id, ...connector }));
  writeFileSync(file, JSON.stringify({ connectors }));
  const trusted = path.join(plant.home, 'trusted.pem');
  writeFileSync(trusted, stores.graph.certificate ?? '');
  const secrets = Object.assign({}, ...Object.values(stores).map(({ env }) => env)) as Record<string, string>;
  await plant.worker({ DSX_CONFIG: file, NODE_EXTRA_CA_CERTS: trusted, ...secrets });
}, 180_000);
afterAll(async () => {
  await plant?.stop();
  await Promise.all(Object.values(stores ?? {}).map((store) => store.stop()));
});

/** Holds the first request of one of these methods about an item until it is released. */
function hold(methods: readonly string[], name: string) {
  const met = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let used = false;
  const treat = (store: RacedStore, method: string, url: string) => {
    if (used || !methods.includes(method) || !store.isAbout(name, url)) return undefined;
    used = true;
    met.resolve();
    return { after: released.promise };
  };
  return { treat, met: met.promise, release: () => released.resolve() };
}

async function actionsOf(scan: ScanHandle): Promise<ActionRow[]> {
  const ledger = plant.ledger.job(scan.job);
  const rows: ActionRow[] = [];
  for await (const { body } of ledger.commits()) {
    for (const { segment } of body.actions) rows.push(...(await ledger.readActions(segment)));
  }
  return rows;
}

const REFUSED = 'refused version_changed';

test.each<{ on: Name; opened: string[]; acted: string }>([
  { on: 's3', opened: ['malicious', 'clean'], acted: REFUSED },
  { on: 'azure', opened: ['malicious', 'clean'], acted: REFUSED },
  // The copy is made by then and the judged bytes are gone from the item, so that the copy stays.
  { on: 'gcs', opened: ['malicious', 'clean'], acted: 'done applied' },
  // Graph tells at the end of a scan that the content was replaced, and the new one is read.
  { on: 'graph', opened: ['clean'], acted: REFUSED },
])(
  'on $on, what is replaced while it is scanned or moved stays, and is scanned',
  async ({ on, opened, acted }) => {
    const store = stores[on];
    for (const name of [...Object.values(RACED), MOVED]) await store.put(name, EICAR);
    await store.put(CLEAN, good(CLEAN));
    const replace = (name: string) => store.put(name, good(name));
    const reading = hold(['GET'], RACED.listed);
    const acting = hold(['DELETE', 'PATCH'], RACED.acted);
    store.front.treat = ({ method, url }) => reading.treat(store, method, url) ?? acting.treat(store, method, url);
    plant.standin.reset();
    plant.standin.setOptions({ latencyMs: LATENCY });

    const scan = await plant.start({ action: 'move' }, { source: { kind: 'connector', id: on } });
    await reading.met;
    await replace(RACED.listed);
    await plant.untilScans(5);
    await replace(RACED.opened);
    expect(plant.standin.stats().inFlight).toBe(5);
    plant.standin.setOptions({ latencyMs: 0 });
    // The item that is held keeps the page open: nothing is acted on yet.
    await plant.untilRow(scan.job, RACED.judged);
    await replace(RACED.judged);
    reading.release();
    await acting.met;
    await replace(RACED.acted);
    acting.release();
    const result = await scan.result();

    const rows = await scan.rows();
    const outcomesOf = (name: string) =>
      rows
        .filter(({ location }) => location === name)
        .sort((a, b) => (a.rescans ?? 0) - (b.rescans ?? 0))
        .map(({ outcome }) => outcome);
    expect(Object.fromEntries([...Object.values(RACED), MOVED, CLEAN].map((name) => [name, outcomesOf(name)]))).toEqual(
      {
        [RACED.listed]: ['clean'],
        [RACED.opened]: opened,
        [RACED.judged]: ['malicious', 'clean'],
        [RACED.acted]: ['malicious', 'clean'],
        [MOVED]: ['malicious'],
        [CLEAN]: ['clean'],
      },
    );
    for (const row of rows.filter(({ outcome }) => outcome === 'clean')) {
      expect(row.sha256).toBe(sha256(good(row.location)));
      const first = rows.find(({ location, outcome }) => location === row.location && outcome === 'malicious');
      expect(row.rescanOf).toBe(first?.item);
    }
    const actions = (await actionsOf(scan)).map(({ location, state, code }) => [location, `${state} ${code}`]);
    expect(Object.fromEntries(actions)).toEqual({
      ...(opened.length > 1 && { [RACED.opened]: REFUSED }),
      [RACED.judged]: REFUSED,
      [RACED.acted]: acted,
      [MOVED]: 'done applied',
    });

    const { items, quarantine } = await store.contents();
    expect(items).toEqual(Object.fromEntries([...Object.values(RACED), CLEAN].map((name) => [name, good(name)])));
    expect(quarantine).toEqual(Array(acted === REFUSED ? 1 : 2).fill(EICAR));

    expect(result).toMatchObject({ state: 'completed', listed: rows.length });
    expect(rowsOf(result.counters)).toBe(rows.length);
    expect(new Set(rows.map(({ item }) => item)).size).toBe(rows.length);
    const report = await verifyJob(plant.ledger.job(scan.job), { root: result.root });
    expect(report).toMatchObject({ ok: true, authentic: true, problems: [] });
  },
  60_000,
);
