import { mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { isFinal } from '../../domain/job.ts';
import { writeFiles, writeMany } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';

const FILES = 400;
let plant: Plant;
let faults: ReturnType<Plant['fileFaults']>;
let n = 0;
let folder: string;

beforeAll(async () => {
  plant = await Plant.start({ workers: 4 });
  faults = plant.fileFaults();
  await plant.worker({ ...faults.env, DSXCONNECT_PAGE_ITEMS: '100', DSXCONNECT_PATIENCE: '3' });
});
afterAll(() => plant.stop());
beforeEach(() => {
  plant.standin.reset();
  plant.standin.setOptions({ latencyMs: 20 });
  n += 1;
  folder = path.join(plant.folder, `data-${n}`);
  writeMany(folder, FILES);
});

async function inTheMiddle(): Promise<ScanHandle> {
  const scan = await plant.start({}, { source: plant.source(folder) });
  await plant.untilScans(FILES / 4);
  return scan;
}

async function untilHeld(scan: ScanHandle, reason: string): Promise<void> {
  const held = await scan.until(({ state }) => state === 'held', 90_000);
  expect(held.idle).toMatchObject({ why: 'held', reason: expect.stringContaining(reason) });
  expect(held.counters.outcomes).toMatchObject({ failed: 0, vanished: 0 });
}

async function expectAllClean(scan: ScanHandle): Promise<void> {
  const result = await scan.result();
  expect(result).toMatchObject({ state: 'completed', listed: FILES });
  expect(result.counters.outcomes.clean).toBe(FILES);
}

it('a scanner that is initializing in the middle holds the job, and its answers are never recorded', async () => {
  const scan = await inTheMiddle();
  plant.standin.setFaults(['initializing times=*']);
  await untilHeld(scan, 'scanner_starting');
  plant.standin.setFaults([]);
  await expectAllClean(scan);
}, 120_000);

it('a scanner behind a proxy that answers 503 for it holds the job, and fails no item', async () => {
  const scan = await inTheMiddle();
  plant.standin.setFaults(['503 times=*']);
  await untilHeld(scan, 'status 503');
  plant.standin.setFaults([]);
  await expectAllClean(scan);
}, 150_000);

it('a folder that is taken away in the middle holds the job, and no item vanishes', async () => {
  const scan = await inTheMiddle();
  renameSync(folder, `${folder}-away`);
  await untilHeld(scan, 'unreachable');
  // A mount that is missing leaves an empty folder: that is no better.
  mkdirSync(folder);
  await scan.until(({ idle }) => idle?.reason?.includes('another asset') === true, 30_000);
  rmdirSync(folder);
  renameSync(`${folder}-away`, folder);
  await expectAllClean(scan);
}, 120_000);

it('one worker of two whose network is broken never holds the job', async () => {
  const nobody = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => nobody.once('listening', resolve));
  const { port } = nobody.address() as { port: number };
  await new Promise((resolve) => nobody.close(resolve));
  const url = `http://127.0.0.1:${port}`;
  const cutOff = await plant.worker({ DSXCONNECT_PATIENCE: '3', DSXA_STANDIN_URL: url });
  try {
    const scan = await plant.start({}, { source: plant.source(folder) });
    expect(await statesOf(scan)).not.toContain('held');
    await expectAllClean(scan);
  } finally {
    cutOff.kill('SIGKILL');
    await cutOff.gone;
  }
}, 180_000);

it('a storage that answers nothing any more holds the job as unreachable', async () => {
  const scan = await inTheMiddle();
  faults.set(`hang /data-${n}`, `ETIMEDOUT .txt`);
  await untilHeld(scan, 'no answer within 3 s');
  faults.set();
  await expectAllClean(scan);
}, 120_000);

it('a storage whose permission is taken away in the middle holds the job', async () => {
  const scan = await inTheMiddle();
  faults.set(`EACCES /data-${n}`, `EACCES .txt`);
  await untilHeld(scan, 'configuration');
  faults.set();
  await expectAllClean(scan);
}, 120_000);

it.each(['ETIMEDOUT', 'EACCES', 'EIO'])(
  'a single file that says %s never holds a job: it is failed alone',
  async (code) => {
    writeFiles(folder, { 'd0000/odd': 'odd' });
    faults.set(`${code} /odd`);
    const scan = await plant.start({}, { source: plant.source(folder) });
    const states = await statesOf(scan);
    const result = await scan.result();
    expect(result).toMatchObject({ state: 'completed_with_gaps', listed: FILES + 1 });
    expect(result.counters.outcomes).toMatchObject({ clean: FILES, failed: 1 });
    expect(states).not.toContain('held');
  },
  60_000,
);

/** Every state that the job was seen in until it ended. */
async function statesOf(scan: ScanHandle): Promise<string[]> {
  const states = new Set<string>();
  await scan.until(({ state }) => {
    states.add(state);
    return isFinal(state);
  }, 150_000);
  return [...states];
}
