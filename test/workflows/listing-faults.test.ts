import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyJob } from '../../ledger/verify.ts';
import { QUEUE, WORKFLOW } from '../../workflows/messages.ts';
import { writeMany } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';

const FILES = 1_000;
let plant: Plant;
let faults: ReturnType<Plant['fileFaults']>;
let n = 0;

beforeAll(async () => {
  plant = await Plant.start({ workers: 8 });
  faults = plant.fileFaults();
});
afterAll(() => plant.stop());

function corpus(): string {
  n += 1;
  const folder = path.join(plant.folder, `data-${n}`);
  writeMany(folder, FILES);
  return folder;
}

async function expectBalanced(scan: ScanHandle, listed: number): Promise<void> {
  const result = await scan.result();
  const rows = await scan.rows();
  expect(result.listed).toBe(listed);
  expect(new Set(rows.map(({ location }) => location)).size).toBe(listed);
  expect(rows.length).toBe(listed);
  expect((await verifyJob(plant.ledger.job(scan.job), { root: result.root })).problems).toEqual([]);
}

it('a worker that dies while it lists: another goes on from the last page index, and every item is listed once', async () => {
  faults.set('kill /d0005');
  const env = { ...faults.env, DSXCONNECT_PAGE_ITEMS: '50' };
  const first = await plant.worker(env);
  const scan = await plant.start({}, { source: plant.source(corpus()) });
  await first.gone;
  faults.set();
  await plant.worker(env);
  await expectBalanced(scan, FILES);
  expect((await scan.result()).state).toBe('completed');
}, 60_000);

it('a folder that can not be listed is a gap: the scan never ends as complete, and says how many', async () => {
  faults.set('EIO /d0005');
  const scan = await plant.start({}, { source: plant.source(corpus()) });
  const result = await scan.result();
  faults.set();
  expect(result.state).toBe('completed_with_gaps');
  const account = (await plant.ledger.job(scan.job).head())?.body.account;
  expect(account?.gaps).toMatchObject([{ class: expect.stringMatching(/folder_unreadable|listing_broken/), count: 1 }]);
}, 60_000);

it('a paused job is still paused after every worker was killed, and goes on when it is told to', async () => {
  plant.standin.setOptions({ latencyMs: 20 });
  const env = { DSXCONNECT_PAGE_ITEMS: '50' };
  const scan = await plant.start({}, { source: plant.source(corpus()) });
  await scan.until(({ pages }) => pages.closed > 0);
  await scan.control('pause', 'night');
  await plant.stopWorkers();
  const next = await plant.worker(env);
  const paused = await scan.progress();
  expect(paused).toMatchObject({ state: 'paused', idle: { by: 'test', reason: 'night' } });
  const { scans } = plant.standin.stats();
  await plant.worker(env);
  next.kill('SIGKILL');
  await next.gone;
  expect((await scan.progress()).state).toBe('paused');
  expect(plant.standin.stats().scans).toBe(scans);
  plant.standin.setOptions({ latencyMs: 0 });
  await scan.control('resume');
  await expectBalanced(scan, FILES);
}, 60_000);

it('a worker that dies while it estimates: another goes on, and nothing is counted twice', async () => {
  const source = plant.source(corpus());
  const env = { ...faults.env, DSXCONNECT_PAGE_ITEMS: '50' };
  const dying = await plant.worker(env);
  plant.stopOthers(dying);
  faults.set('kill /d0005');
  const handle = await plant.client.workflow.start(WORKFLOW.estimateConnector, {
    workflowId: 'estimate:dying',
    taskQueue: QUEUE.orchestrate,
    args: [{ source, settings: { filter: '' }, maxSeconds: 60 }],
  });
  await dying.gone;
  faults.set();
  await plant.worker(env);
  expect(await handle.result()).toMatchObject({ state: 'completed', items: FILES, partial: false });
}, 60_000);
