import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isFinal, type JobProgress } from '../../domain/job.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { EICAR, writeFiles, writeMany } from '../support/files.ts';
import { OldConnector, type OldConnectorOptions } from '../support/old-connector.ts';
import { Plant } from '../support/plant.ts';

let plant: Plant;
let api: RealApi;
const connectors: OldConnector[] = [];

beforeAll(async () => {
  plant = await Plant.start();
  api = await startRealApi(plant, { DSXCONNECT_REMOTE_QUIET: '2' });
  await plant.worker();
}, 120_000);

afterAll(async () => {
  for (const connector of connectors) await connector.kill();
  await api?.stop();
  await plant?.stop();
});

function folderOf(name: string): string {
  const folder = path.join(plant.folder, name);
  mkdirSync(folder);
  return folder;
}

async function connect(folder: string, options: Partial<OldConnectorOptions> = {}): Promise<OldConnector> {
  const connector = new OldConnector({ api: api.origin, folder, ...options });
  connectors.push(connector);
  expect((await connector.start()).status).toBe(201);
  return connector;
}

async function scan(connector: OldConnector): Promise<string> {
  const answer = await connector.call('POST', `connectors/full_scan/${connector.uuid}?batch=true`);
  expect(answer).toMatchObject({ status: 202, body: { status: 'success' } });
  const job = answer.headers.get('x-job-id') ?? '';
  expect(answer.body.description).toContain(`job_id=${job}`);
  return job;
}

async function ended(job: string, timeoutMs = 120_000): Promise<JobProgress> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await api.client.job(job);
    if (isFinal(found.state)) return found;
    if (Date.now() > deadline) throw new Error(`not ended: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function rowsOf(job: string): Promise<OutcomeRow[]> {
  const rows: OutcomeRow[] = [];
  for await (const { body } of plant.ledger.job(job).commits()) {
    for (const page of body.pages) rows.push(...(await plant.ledger.job(job).readSegment(page.segment)));
  }
  return rows;
}

async function proven(job: string, progress: JobProgress): Promise<void> {
  const report = await verifyJob(plant.ledger.job(job), { root: progress.commit?.hash ?? '' });
  expect(report).toMatchObject({ problems: [], verdict: 'authentic' });
}

test('a former connector registers, is scanned whole, and moves what is malicious', async () => {
  const folder = folderOf('whole');
  writeMany(folder, 4_997);
  writeFiles(folder, { 'a/bad1.com': EICAR, 'b/bad2.com': `${EICAR} `, 'empty.txt': '' });
  const connector = await connect(folder, { batch: 100, action: 'move' });
  expect((await connector.register()).status).toBe(200);
  const began = Date.now();
  const job = await scan(connector);
  await connector.listing;
  const pushedMs = Date.now() - began;
  const progress = await ended(job);
  process.stderr.write(`pushed 5000 in ${pushedMs} ms, ended after ${Date.now() - began} ms\n`);
  expect(connector.pushed).toBe(5_000);
  expect(progress).toMatchObject({
    state: 'completed',
    kind: 'full',
    coverage: 'reported_by_connector',
    listed: 5_000,
    gaps: [],
    actions: { done: 2 },
  });
  expect(progress.counters.outcomes).toMatchObject({ clean: 4_998, malicious: 2 });
  expect(readdirSync(connector.quarantine).sort()).toEqual(['bad1.com', 'bad2.com']);
  expect(new Set((await rowsOf(job)).map(({ location }) => location)).size).toBe(5_000);
  await proven(job, progress);
}, 180_000);
