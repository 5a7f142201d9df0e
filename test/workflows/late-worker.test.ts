import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Findings } from '../../bench/chaos/check/findings.ts';
import { scansOf } from '../../bench/chaos/check/requests.ts';
import { spansOf } from '../../bench/chaos/check/spans.ts';
import { checkLateWakers } from '../../bench/chaos/check/takeover.ts';
import type { Event } from '../../bench/chaos/timeline.ts';
import { writeMany } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

const FILES = 600;
let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start({ latencyMs: 100, workers: 4, remember: 100_000 });
});
afterAll(() => plant.stop());

it('a worker that wakes up late begins no item of pages that another one has taken over', async () => {
  const folder = path.join(plant.folder, 'frozen');
  writeMany(folder, FILES);
  // The stand-in tells them apart by the name that each calls it by.
  const env = (host: string) => ({ DSXA_METADATA: 'on', DSXA_STANDIN_URL: `http://${host}:${plant.standin.port}` });
  const late = await plant.worker(env('127.0.0.1'));
  const scan = await plant.start({}, { source: plant.source(folder) });
  await plant.untilPart(scan.job);
  late.kill('SIGSTOP');
  const from = Date.now();
  const frozenAt = plant.standin.stats().scans;
  await plant.worker(env('localhost'));
  await plant.untilScans(frozenAt + 60, 60_000);
  late.kill('SIGCONT');
  const to = Date.now();
  expect(to - from).toBeLessThan(120_000);
  await plant.untilScans(frozenAt + 160, 60_000);
  plant.standin.setOptions({ latencyMs: 0 });
  expect(await scan.result()).toMatchObject({ state: 'completed', listed: FILES });
  const names = { '127.0.0.1': 'worker-1', localhost: 'worker-2' };
  const workers = new Map(Object.entries(names).map(([host, name]) => [`${host}:${plant.standin.port}`, name]));
  const scans = scansOf(plant.standin.requests(), scan.job, workers);
  const events: Event[] = [
    { fault: { kind: 'freeze', part: 'worker-1', ms: to - from }, target: 'worker-1', from, to },
  ];
  const spans = new Map([...workers.values()].map((name) => [name, spansOf(name, events, Date.now())]));
  const findings = new Findings();
  expect(scans.some((one) => one.worker === 'worker-2' && one.received < to)).toBe(true);
  checkLateWakers(scans, events, spans, findings);
  expect(findings.list()).toEqual([]);
}, 150_000);
