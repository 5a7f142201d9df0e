import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyJob } from '../../ledger/verify.ts';
import { EICAR } from '../support/files.ts';
import { Plant } from '../support/plant.ts';
import { type RacedStore, racedAzure, racedGcs, racedGraph, racedS3 } from '../support/raced-stores.ts';

const STORES = { s3: racedS3, azure: racedAzure, gcs: racedGcs, graph: racedGraph };
let stores: Record<keyof typeof STORES, RacedStore>;
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

test.each<{ on: keyof typeof STORES; kept: string }>([
  // Without version ids an object counts from a minute after it was written: these are younger.
  { on: 's3', kept: 'clean' },
  { on: 'azure', kept: 'unchanged' },
  { on: 'gcs', kept: 'unchanged' },
  { on: 'graph', kept: 'unchanged' },
])(
  'on $on, what is unchanged is $kept, and what was replaced by as many bytes is scanned',
  async ({ on, kept }) => {
    const { put } = stores[on];
    await put('kept.bin', 'kept');
    await put('replaced.bin', 'before');
    await put('evil.bin', EICAR);
    const settings = { incremental: true, rescanAfter: 86_400 } as const;
    const scan = async () => {
      const handle = await plant.start(settings, { source: { kind: 'connector', id: on } });
      const { root } = await handle.result();
      const rows = await handle.rows();
      const outcomes = rows.map(({ location, outcome, reason }) => [location, reason ?? outcome]);
      const report = await verifyJob(plant.ledger.job(handle.job), { others: plant.ledger });
      expect(report.problems).toEqual([]);
      return { handle, root, outcomes: Object.fromEntries(outcomes), told: (await handle.progress()).incremental };
    };
    const first = await scan();
    expect(first.told).toMatchObject({ why: { code: 'no_baseline' } });
    await put('replaced.bin', 'after!');
    await put('new.bin', 'new');
    const second = await scan();
    expect(second.outcomes).toEqual({
      'kept.bin': kept,
      'replaced.bin': 'clean',
      'new.bin': 'clean',
      'evil.bin': 'malicious',
    });
    expect(second.told).toEqual({ since: { job: first.handle.job, root: first.root }, unannounced: 2 });
  },
  60_000,
);
