import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { type GraphFake, startGraphFake } from '../../scripts/servers/graph/fake.ts';
import { resync } from '../../scripts/servers/graph/faults.ts';
import { EICAR } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

const FILES = 2_400;
let fake: GraphFake;
let plant: Plant;
let env: Record<string, string>;

beforeAll(async () => {
  fake = await startGraphFake();
  fake.deltas.pageSize = 100;
  for (let i = 0; i < FILES; i++)
    fake.library.put(`f${String(i).padStart(5, '0')}`, i % 800 === 7 ? EICAR : `file ${i}`);
  plant = await Plant.start();
  const connector = {
    id: 'library',
    kind: 'sharepoint',
    asset: `https://${fake.host}/sites/Finance/Shared%20Documents`,
    tenantId: fake.tenantId,
    clientId: fake.clientId,
    clientSecret: `\${GRAPH_SECRET}`,
    graphUrl: fake.origin,
    authorityUrl: fake.tokenOrigin,
  };
  const file = path.join(plant.home, 'dsx-connect.yaml');
  writeFileSync(file, JSON.stringify({ connectors: [connector] }));
  const trusted = path.join(plant.home, 'trusted.pem');
  writeFileSync(trusted, fake.certificate);
  env = { DSX_CONFIG: file, NODE_EXTRA_CA_CERTS: trusted, GRAPH_SECRET: fake.clientSecret };
}, 60_000);
afterAll(async () => {
  await plant?.stop();
  await fake?.stop();
});

/** Answers the n-th page behind a first one with 410, again and again with every further n-th. */
function forget(...at: readonly number[]): { readonly pages: () => number } {
  let pages = 0;
  const match = ({ path }: { path: string }) => path.includes('(token=') && at.includes(++pages);
  fake.inject({ answer: resync(fake.origin), match, times: at.length });
  return { pages: () => pages };
}

test('a drive that no longer knows the place is listed anew, nothing is scanned twice, and the account says so', async () => {
  const worker = await plant.worker(env);
  // 12 pages are 1,200 items; then half of it again before a worker that was not there goes on.
  const asked = forget(12, 30);
  plant.standin.setOptions({ latencyMs: 20 });
  const scan = await plant.start({ action: 'move' }, { source: { kind: 'connector', id: 'library' } });
  // What a worker listed and did not hand in is listed by the next one: the first 410 must be on record.
  await expect.poll(async () => (await scan.progress()).listed, { timeout: 30_000 }).toBeGreaterThan(1_300);
  expect(asked.pages()).toBeGreaterThan(12);
  await worker.kill('SIGKILL');
  await plant.worker(env);
  plant.standin.setOptions({ latencyMs: 0 });
  const result = await scan.result();

  const rows = await scan.rows();
  const again = rows.filter(({ outcome, reason }) => outcome === 'skipped' && reason === 'duplicate');
  expect(result).toMatchObject({ state: 'completed', listed: FILES + again.length, actions: { done: 3 } });
  // Both times something had been listed; how much the second time depends on where the worker was killed.
  expect(again.length).toBeGreaterThan(1_200);
  expect(result.counters.outcomes).toMatchObject({ clean: FILES - 3, malicious: 3, skipped: again.length });
  expect(rowsOf(result.counters)).toBe(rows.length);
  const scanned = rows.filter(({ judged }) => judged !== undefined).map(({ location }) => location);
  expect(scanned.length).toBe(FILES);
  expect(new Set(scanned).size).toBe(FILES);
  const report = await verifyJob(plant.ledger.job(scan.job), { root: result.root });
  expect(report).toMatchObject({ ok: true, authentic: true, problems: [] });
}, 90_000);
