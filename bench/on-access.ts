import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isFinal, type JobProgress } from '../domain/job.ts';
import { rowsOf } from '../domain/outcome.ts';
import { cleanly } from './lib/cleanup.ts';
import { corpus } from './lib/corpus.ts';
import { CONNECTOR, type EventPlant, eventPlant } from './lib/events/plant.ts';
import { stagesOf } from './lib/events/stages.ts';
import { benchHome } from './lib/plant.ts';
import { type Quantiles, quantiles } from './lib/quantiles.ts';

const EVENTS = 300;
const EVERY_MS = 100;
const BYTES = 4_096;
const BULK_FILES = 100_000;
const BULK_BYTES = 512;
const PACE = { STANDIN_LATENCY_MS: '30', STANDIN_WORKERS: '8' };
/** The scan of many files is under way by then. */
const UNDER_WAY = 2_000;
/** What a full scan may add to the wait of a live event: p95 loaded over p95 idle, at most. */
const MOST = 2;
const POLL_MS = 100;
const PATIENCE_MS = 120_000;

/**
 * `dsx bench on-access [events]`: how long a file waits from the moment it is in place to the time of its row, by a signed webhook, ten
 * a second: with nothing else to do, and while a full scan of 100,000 files fills the scanner (30 ms, 8 at once).
 */
export default async function onAccess(args: readonly string[]): Promise<number> {
  const events = Number(args[0] ?? EVENTS);
  const bulk = await corpus(benchHome(), BULK_FILES, BULK_BYTES);
  const plant = await eventPlant('on-access', PACE);
  return await cleanly(plant.clear, async () => {
    // The first events start the workflow and load the code.
    await send(plant, 'warm', 20);
    const quiet = await send(plant, 'idle', events);
    const { job: scan } = await plant.api.startJob({ folder: bulk, scanner: 'standin' });
    await until(plant, scan, ({ counters }) => rowsOf(counters) >= UNDER_WAY);
    const from = Date.now();
    const busy = await send(plant, 'loaded', events);
    const to = Date.now();
    const soon = isFinal((await plant.api.job(scan)).state);
    await plant.api.cancel(scan);
    await until(plant, scan, ({ state }) => isFinal(state));
    const stages = await stagesOf(plant.bench.stack.temporalAddress, CONNECTOR);
    const [job = ''] = await plant.jobs();
    await plant.api.cancel(job);
    await until(plant, job, ({ state }) => isFinal(state));
    const { rows, report } = await plant.proof(job);
    const meanwhile = (await plant.proof(scan)).rows.filter(({ at }) => Date.parse(at) >= from && Date.parse(at) < to);
    const rate = (meanwhile.length / (to - from)) * 1000;
    const waits = (sent: ReadonlyMap<string, number>): Quantiles =>
      quantiles(
        rows.flatMap(({ location, at }) => (sent.has(location) ? [Date.parse(at) - (sent.get(location) ?? 0)] : [])),
      );
    const [idle, loaded] = [waits(quiet), waits(busy)];
    const ratio = loaded.p95 / idle.p95;
    print('idle', idle);
    for (const [name, stage] of stages(0, from)) print(`  ${name}`, stage);
    print('while the full scan runs', loaded);
    for (const [name, stage] of stages(from, to)) print(`  ${name}`, stage);
    console.log(`full scan meanwhile: ${rate.toFixed(1)} files/s${soon ? ' (it ended too soon)' : ''}`);
    console.log(`p95 ratio ${ratio.toFixed(2)} (at most ${MOST})`);
    const whole = idle.count === events && loaded.count === events && report.authentic && !soon;
    if (!whole)
      console.log(`WRONG ${idle.count} and ${loaded.count} rows of ${events}; authentic: ${report.authentic}`);
    return whole && ratio <= MOST ? 0 : 1;
  });
}

/** Puts files in place and tells of each, ten a second, and waits for their rows. Returns when each was in place, in ms since the epoch. */
async function send(plant: EventPlant, name: string, count: number): Promise<Map<string, number>> {
  const sent = new Map<string, number>();
  const answers: Promise<number>[] = [];
  const from = performance.now();
  for (let i = 0; i < count; i++) {
    await pause(Math.max(0, from + i * EVERY_MS - performance.now()));
    const location = `${name}-${String(i).padStart(5, '0')}.txt`;
    writeFileSync(path.join(plant.folder, location), location.padEnd(BYTES, ' '));
    sent.set(location, Date.now());
    answers.push(plant.sender.send([{ location }]));
  }
  const refused = (await Promise.all(answers)).filter((status) => status !== 200);
  if (refused.length > 0) throw new Error(`${refused.length} of ${count} deliveries were answered with ${refused[0]}`);
  const [job = ''] = await plant.jobs();
  await until(plant, job, isSettled);
  return sent;
}

/** Every event that came has its row. */
function isSettled({ events, listed, outside, counters }: JobProgress): boolean {
  return events?.pending === 0 && listed + outside === events.received && rowsOf(counters) === listed;
}

/** @throws Error when the job is not so in time */
async function until({ api }: EventPlant, job: string, is: (job: JobProgress) => boolean): Promise<JobProgress> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const now = await api.job(job);
    if (is(now)) return now;
    if (isFinal(now.state) || performance.now() > end)
      throw new Error(`job ${job} is ${now.state} and not as it should be: ${now.failure?.message ?? 'not in time'}`);
    await pause(POLL_MS);
  }
}

function print(name: string, { p50, p95, max, count }: Quantiles): void {
  console.log(`${name}: p50 ${p50} ms, p95 ${p95} ms, max ${max} ms, ${count} times`);
}
