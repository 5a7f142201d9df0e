import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'redis';
import { type ApiClient, createApiClient } from '../api/client.ts';
import type { JobResource } from '../api/contract.ts';
import { stacks } from '../cli/stack/stacks.ts';
import { isFinal } from '../domain/job.ts';
import { openLedger } from '../ledger/ledger.ts';
import { verifyJob } from '../ledger/verify.ts';
import { type Standin, startStandin } from '../scanner/standin/server.ts';
import { startValkey } from '../test/support/valkey.ts';
import { cleanly } from './lib/cleanup.ts';
import { corpus } from './lib/corpus.ts';
import { benchHome } from './lib/plant.ts';

const FILES = 24_000;
const BYTES = 4_096;
/** 8 at once, 30 ms each: some 90 s for the folder, so that a minute's outage lies within. */
const PACE = { latencyMs: 30, workers: 8 };
const REDIS_GONE_MS = 60_000;
const SCANNER_GONE_MS = 120_000;
/** A job begins, and is seen to be under way, before anything is taken from it. */
const UNDER_WAY = 2_000;
const POLL_MS = 250;

interface Place {
  readonly api: ApiClient;
  readonly ledger: string;
  readonly folder: string;
  scanner: Standin;
  redis: Awaited<ReturnType<typeof startValkey>>;
}

/** What of an account must not depend on what happened on the way: every row's item, outcome and bytes. */
type Rows = ReadonlyMap<string, string>;

/**
 * `dsx bench outages`: one folder scanned three times: undisturbed; with a FLUSHALL and Redis gone for a minute; with the
 * scanner gone for two. The accounts must be equal, and the job must say what it waits for and go on by itself.
 */
export default async function outages(): Promise<number> {
  const home = path.join(benchHome(), `outages-${process.pid}`);
  const folder = await corpus(benchHome(), FILES, BYTES);
  let [scanner, redis] = [await startStandin(PACE), await startValkey()];
  const clear = async (): Promise<void> => {
    await stacks.stop(home);
    await Promise.allSettled([scanner.stop(), redis.stop()]);
    rmSync(home, { recursive: true, force: true });
  };
  return await cleanly(clear, async () => {
    const env = { ...process.env, DSXA_STANDIN_URL: scanner.url, REDIS_URL: redis.url, DSXCONNECT_PAGE_ITEMS: '1000' };
    const stack = await stacks.start({ home, env, skip: ['standin', 'valkey'], say: (line) => console.error(line) });
    const place: Place = { api: createApiClient({ origin: stack.api }), ledger: stack.ledger, folder, scanner, redis };
    const wrong: string[] = [];
    const quiet = await scan(place, 'undisturbed', wrong, async () => undefined);
    const flushed = await scan(place, 'FLUSHALL, Redis gone for 60 s', wrong, async (job) => {
      await withoutRedis(place, job, wrong);
      redis = place.redis;
    });
    const held = await scan(place, 'scanner gone for 120 s', wrong, async (job) => {
      await withoutScanner(place, job, wrong);
      scanner = place.scanner;
    });
    for (const [name, rows] of [['Redis', flushed] as const, ['scanner', held] as const]) {
      const other = [...quiet].filter(([item, row]) => rows.get(item) !== row).length;
      if (rows.size !== quiet.size || other > 0) wrong.push(`${name}: ${other} of ${quiet.size} rows are not the same`);
    }
    for (const line of wrong) console.log(`WRONG ${line}`);
    console.log(wrong.length === 0 ? 'the three accounts are the same' : `${wrong.length} things are wrong`);
    return wrong.length === 0 ? 0 : 1;
  });
}

async function scan(
  place: Place,
  name: string,
  wrong: string[],
  disturb: (job: string) => Promise<void>,
): Promise<Rows> {
  const began = performance.now();
  const { job } = await place.api.startJob({ folder: place.folder, scanner: 'standin' });
  await until(place, job, ({ counters }) => counters.outcomes.clean > UNDER_WAY);
  await disturb(job);
  const end = await until(place, job, ({ state }) => isFinal(state));
  const ledger = await openLedger(place.ledger, { create: false });
  const report = await verifyJob(ledger.job(job), { root: end.root ?? '' });
  const rows = new Map<string, string>();
  for await (const { body } of ledger.job(job).commits()) {
    for (const { segment } of body.pages) {
      for (const row of await ledger.job(job).readSegment(segment)) {
        const before = rows.get(row.location);
        rows.set(row.location, before === undefined ? `${row.outcome} ${row.sha256}` : 'twice');
      }
    }
  }
  await ledger.close();
  const { outcomes } = end.counters;
  if (end.state !== 'completed') wrong.push(`${name}: ended ${end.state}`);
  if (end.listed !== FILES || outcomes.clean !== FILES) wrong.push(`${name}: ${outcomes.clean} clean of ${end.listed}`);
  if (!report.authentic || report.problems.length > 0) wrong.push(`${name}: the ledger is not authentic`);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const { listed } = end;
  console.log(
    `${name}: ${end.state}, listed ${listed}, clean ${outcomes.clean}, failed ${outcomes.failed}, ${seconds} s`,
  );
  return rows;
}

async function withoutRedis(place: Place, job: string, wrong: string[]): Promise<void> {
  const { port, url } = place.redis;
  const client = await createClient({ url }).connect();
  await client.flushAll();
  client.destroy();
  const flushed = await until(place, job, ({ from }) => from === 'status', 30_000);
  if (isFinal(flushed.state)) wrong.push('Redis: the job had ended when its status was back');
  await place.redis.stop('SIGKILL');
  const before = place.scanner.stats().scans;
  await pause(REDIS_GONE_MS);
  const scanned = place.scanner.stats().scans - before;
  console.log(`  without Redis for 60 s: ${scanned} items scanned meanwhile`);
  if (scanned < UNDER_WAY) wrong.push(`Redis: only ${scanned} items were scanned while it was gone`);
  place.redis = await startValkey({ port });
}

async function withoutScanner(place: Place, job: string, wrong: string[]): Promise<void> {
  const { port } = place.scanner;
  await place.scanner.stop();
  const gone = performance.now();
  const held = await until(place, job, ({ state }) => state === 'held', 60_000);
  const after = ((performance.now() - gone) / 1000).toFixed(1);
  const reason = (held.idle?.why === 'held' ? held.idle.reason : undefined) ?? 'without a reason';
  console.log(`  held after ${after} s: ${reason}`);
  if (!reason.includes('scanner_unreachable')) wrong.push(`scanner: the job does not say what it waits for: ${reason}`);
  await pause(SCANNER_GONE_MS - (performance.now() - gone));
  const last = await place.api.job(job);
  if (last.state !== 'held') wrong.push(`scanner: after two minutes the job is ${last.state}`);
  if (last.counters.outcomes.failed !== 0) wrong.push(`scanner: ${last.counters.outcomes.failed} items failed`);
  place.scanner = await startStandin({ ...PACE, port });
  const back = performance.now();
  await until(place, job, ({ state }) => state !== 'held', 120_000);
  console.log(`  went on by itself ${((performance.now() - back) / 1000).toFixed(1)} s after the scanner was back`);
}

/** @throws Error when the job is not so in time */
async function until(
  { api }: Place,
  job: string,
  is: (job: JobResource) => boolean,
  withinMs = 600_000,
): Promise<JobResource> {
  const end = performance.now() + withinMs;
  for (;;) {
    const now = await api.job(job);
    if (is(now)) return now;
    if (performance.now() > end) throw new Error(`job ${job} is ${now.state} after ${withinMs / 1000} s`);
    await pause(POLL_MS);
  }
}
