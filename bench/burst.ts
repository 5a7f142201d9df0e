import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'redis';
import { isFinal, type JobProgress } from '../domain/job.ts';
import { rowsOf } from '../domain/outcome.ts';
import { openLedger } from '../ledger/ledger.ts';
import { verifyJob } from '../ledger/verify.ts';
import { deliveriesOf, filesIn, withRepeats } from './lib/burst/deliveries.ts';
import { judge, type Strikes } from './lib/burst/judge.ts';
import { killPart, PartMemory, processOf, untilBack } from './lib/burst/parts.ts';
import { Resender } from './lib/burst/resender.ts';
import { scansOf } from './lib/burst/scans.ts';
import { cleanly } from './lib/cleanup.ts';
import { type EventPlant, eventPlant } from './lib/events/plant.ts';
import { benchHome } from './lib/plant.ts';

const EVENTS = 20_000;
const FLUSHED = 5_000;
const BYTES = 512;
const SIZE = 50;
const EVERY_MS = 50;
const SENDERS = 8;
const REPEATS = 10;
/** The share of acknowledged events at which the API is killed. */
const STRIKE_AT = 0.4;
const MANY = 4;
const WORKER_AFTER_MS = 2_000;
const PATIENCE_MS = 240_000;
const STILL_MS = 5_000;

/**
 * `dsx bench burst [events]`: 1,000 events a second by signed webhook, every tenth delivery twice, while API and worker are killed; then
 * 5,000 more, each delivery twice, with a FLUSHALL between. Nothing that was acknowledged may be without a judged row.
 */
export default async function burst(args: readonly string[]): Promise<number> {
  const events = Number(args[0] ?? EVENTS);
  const log = path.join(benchHome(), `burst-${process.pid}`, 'requests.ndjson');
  const env = { STANDIN_LATENCY_MS: '2', STANDIN_REMEMBER: '0', STANDIN_REQUEST_LOG: log };
  const plant = await eventPlant('burst', env, SENDERS);
  return await cleanly(plant.clear, async () => {
    const files = filesIn(plant.folder, 'burst', events, BYTES);
    const memory = new PartMemory(plant.bench.home, 'api');
    const first = new Resender(plant.sender);
    const began = performance.now();
    const sending = first.send(
      withRepeats(deliveriesOf(files.locations, SIZE, true), REPEATS),
      EVERY_MS,
      began + PATIENCE_MS,
    );
    const [strikes] = await Promise.all([strike(plant, first, events, log), sending]);
    const sentIn = seconds(began);
    await settled(plant);
    const doneIn = seconds(began);
    const rss = memory.stop();
    const live = await verifyRunning(plant);
    const flush = await flushed(plant, Math.min(FLUSHED, events));
    for (const job of await plant.jobs()) {
      if (!isFinal((await plant.api.job(job)).state)) await plant.api.cancel(job);
      await until(async () => isFinal((await plant.api.job(job)).state));
    }
    const { rows, wrong } = await accounts(plant);
    if (live > 0) wrong.push(`${live} problems in the ledger of the job while it ran`);
    const judged = judge(files, first, rows, scansOf(log), strikes);
    const again = judge(flush.files, flush.sent, rows, scansOf(log));
    const later = judge(flush.later, flush.sent, rows, scansOf(log));
    const table: [string, string | number][] = [
      ['events sent, acknowledged', `${events}, ${first.acknowledged.size}`],
      ['answers', told(first)],
      ['all acknowledged after', `${sentIn} s (${Math.round(first.acknowledged.size / Number(sentIn))}/s)`],
      ['all judged after', `${doneIn} s`],
      ['API, worker back after', `${strikes.apiBack} ms, ${strikes.workerBack} ms`],
      ['deliveries under way when the API was killed', strikes.underWay],
      ['RSS of the API: first, most, last', [rss.first, rss.most, rss.last].map(mib).join(', ')],
      ['acknowledged without a judged row', judged.missing],
      ['scanned more than once: in hand at the kill', `${judged.inHand} (at most ${strikes.bound})`],
      ['scanned more than once: else', `${judged.otherwise} (must be 0)`],
      ['most scans of one file', judged.most],
      ['FLUSHALL: events, repeated', `${flush.files.locations.length}, all; ${told(flush.sent)}`],
      ['FLUSHALL: without a judged row', again.missing],
      ['FLUSHALL: scanned once more', again.twice],
      ['FLUSHALL: of those told after it, scanned again', `${later.twice + later.oftener} (must be 0)`],
      ['FLUSHALL: scanned more often', `${again.oftener} (must be 0)`],
      ['rows in all, jobs', `${rows.length}, ${(await plant.jobs()).length}`],
    ];
    for (const [what, figure] of table) console.log(`| ${what} | ${figure} |`);
    if (first.acknowledged.size !== events) wrong.push(`${events - first.acknowledged.size} events not acknowledged`);
    if (judged.missing + again.missing > 0) wrong.push('events that were acknowledged have no judged row');
    if (judged.inHand > strikes.bound) wrong.push('more was scanned again than was in hand');
    if (judged.otherwise > 0) wrong.push('what was not in hand was scanned again');
    if (again.oftener > 0) wrong.push('after FLUSHALL, more than one more scan');
    if (later.twice > 0) wrong.push('what was judged after the FLUSHALL was not remembered');
    for (const line of wrong) console.log(`WRONG ${line}`);
    return wrong.length === 0 ? 0 : 1;
  });
}

/** Kills the API when enough is acknowledged, and the worker two seconds later, or when it scans again. */
async function strike({ bench: { home } }: EventPlant, sent: Resender, events: number, log: string): Promise<Strikes> {
  await until(async () => sent.acknowledged.size >= events * STRIKE_AT, 20);
  // Deliveries that are cut off are what the kill is for: it waits for some, but not for long.
  for (let i = 0; i < 1_000 && sent.underWay < MANY; i++) await pause(2);
  const api = processOf(home, 'api') ?? 0;
  const { underWay } = sent;
  const apiAt = killPart(home, 'api');
  const apiBack = untilBack(home, 'api', api, apiAt);
  await pause(WORKER_AFTER_MS);
  await apiBack;
  await untilScanning(log);
  const worker = processOf(home, 'worker') ?? 0;
  const at = killPart(home, 'worker');
  const workerBack = untilBack(home, 'worker', worker, at);
  return { at, underWay, bound: PAGES_IN_HAND * 100, apiBack: await apiBack, workerBack: await workerBack };
}

/** Without the API the worker soon has nothing in hand: it is killed when it scans again. */
async function untilScanning(log: string): Promise<void> {
  const from = statSync(log).size;
  await until(async () => statSync(log).size > from + IN_HAND_BYTES, 2);
}

/** Of the request log: some 100 scans. */
const IN_HAND_BYTES = 50_000;

/** Slots of a worker on the queue of on-access scans, as they are by default: each may hold a page. */
const PAGES_IN_HAND = 6;

/** Events of which each delivery comes twice, with nothing that tells the second: only the memory of versions in Redis knows, and it is lost. */
async function flushed(plant: EventPlant, count: number) {
  const files = filesIn(plant.folder, 'flush', count, BYTES);
  const sent = new Resender(plant.sender);
  const deliveries = deliveriesOf(files.locations, SIZE, false);
  const half = Math.ceil(deliveries.length / 2);
  const deadline = performance.now() + PATIENCE_MS;
  await sent.send(deliveries.slice(0, half), EVERY_MS, deadline);
  const redis = await createClient({ url: plant.bench.stack.redisUrl ?? '' }).connect();
  await redis.flushAll();
  redis.destroy();
  await sent.send(deliveries.slice(half), EVERY_MS, deadline);
  await settled(plant);
  await sent.send(deliveries, EVERY_MS, deadline);
  await settled(plant);
  const after = new Set(deliveries.slice(half).flatMap((items) => items.map(({ location }) => location)));
  const later = { ...files, hashes: new Map([...files.hashes].filter(([location]) => after.has(location))) };
  return { files, later, sent };
}

/** Nothing of the newest job waits, and that stays so for a while. */
async function settled(plant: EventPlant): Promise<void> {
  let since = performance.now();
  let last = '';
  await until(async () => {
    const job = (await plant.jobs()).at(-1);
    const now = job === undefined ? undefined : await plant.api.job(job);
    const shown = JSON.stringify([now?.job, now?.events?.received, now?.listed]);
    if (now === undefined || !isSettled(now) || shown !== last) since = performance.now();
    last = shown;
    return performance.now() - since > STILL_MS;
  });
}

function isSettled({ events, listed, counters, state }: JobProgress): boolean {
  return isFinal(state) || (events?.pending === 0 && rowsOf(counters) === listed);
}

/** @throws Error when it is not so in time; what the API can't answer meanwhile is asked again */
async function until(is: () => Promise<boolean>, everyMs = 250): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  let why = 'not so yet';
  while (
    !(await is().catch((error: unknown) => {
      why = String(error);
      return false;
    }))
  ) {
    if (performance.now() > end) throw new Error(`not in ${PATIENCE_MS / 1000} s: ${why}`);
    await pause(everyMs);
  }
}

/** Problems in what the job that runs has committed. */
async function verifyRunning(plant: EventPlant): Promise<number> {
  const ledger = await openLedger(plant.bench.stack.ledger, { create: false });
  try {
    const report = await verifyJob(ledger.job((await plant.jobs()).at(-1) ?? ''));
    for (const { code, object, message } of report.problems.slice(0, 3)) console.log(`${code} ${object}: ${message}`);
    return report.problems.length;
  } finally {
    await ledger.close();
  }
}

/** All rows of the connector's jobs on events, and what is wrong with their ledgers. */
async function accounts(plant: EventPlant) {
  const wrong: string[] = [];
  const rows = [];
  for (const job of await plant.jobs()) {
    const { report, rows: own } = await plant.proof(job);
    if (!report.authentic || report.problems.length > 0) wrong.push(`the ledger of ${job} is not authentic`);
    rows.push(...own);
  }
  return { rows, wrong };
}

const seconds = (from: number): string => ((performance.now() - from) / 1000).toFixed(1);
const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`;
const told = ({ answers }: Resender): string => [...answers].map(([what, count]) => `${what}: ${count}`).join(', ');
