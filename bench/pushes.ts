import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type ApiClient, createApiClient } from '../api/client.ts';
import { isFinal } from '../domain/job.ts';
import { openLedger } from '../ledger/ledger.ts';
import { OldConnector } from '../test/support/old-connector.ts';
import { parseCounts } from './lib/arguments.ts';
import { killPart, PartMemory, processOf, untilBack } from './lib/burst/parts.ts';
import { cleanly } from './lib/cleanup.ts';
import { corpus } from './lib/corpus.ts';
import { type BenchStack, benchHome, benchStack } from './lib/plant.ts';
import { accountOf } from './lib/pushes/account.ts';
import { type Ack, filesOf, Pusher } from './lib/pushes/pusher.ts';
import { quantiles } from './lib/quantiles.ts';

const ITEMS = 100_000;
const BYTES = 512;
const BATCH = 100;
/** One file in so many is pushed alone. */
const SINGLE = 10;
/** The share of files at which the API is killed; the worker follows. */
const STRIKE_AT = 0.4;
const WORKER_AFTER_MS = 2_000;
const HEARTBEAT_MS = 60_000;
const PATIENCE_MS = 20 * 60_000;
/** Former connectors give up on a push after so long, in milliseconds. */
const SLOWEST_MS = 5_000;

/**
 * `dsx bench pushes [items]`: a connector of the former product pushes 100,000 files for one scan, nine tenths in batches of 100 and
 * the rest one by one, while API and worker are killed. Each acknowledged file must have exactly one row, and the ledger must prove it.
 */
export default async function pushes(args: readonly string[]): Promise<number> {
  const [items = ITEMS] = args[0] === undefined ? [] : parseCounts('items', args[0]);
  const folder = await corpus(benchHome(), items, BYTES);
  const bench = await benchStack('pushes', {
    DSXCONNECT_REMOTE_QUIET: '5',
    STANDIN_LATENCY_MS: '1',
    STANDIN_REMEMBER: '0',
  });
  const connector = new OldConnector({ api: bench.stack.api, folder, diesAfter: 0 });
  const clear = async () => {
    await connector.kill();
    await bench.stop();
    rmSync(bench.home, { recursive: true, force: true });
  };
  return await cleanly(clear, () => run(bench, connector, folder));
}

async function run(bench: BenchStack, connector: OldConnector, folder: string): Promise<number> {
  const api = createApiClient({ origin: bench.stack.api, key: bench.stack.apiKey });
  const { status } = await connector.start();
  if (status !== 201) throw new Error(`the connector could not register: HTTP ${status}`);
  const heartbeat = setInterval(() => void connector.register().catch(() => undefined), HEARTBEAT_MS);
  const memory = new PartMemory(bench.home, 'api');
  try {
    const { job } = await api.startJob({ connector: connector.uuid, scanner: 'standin' });
    await until(async () => connector.scans.includes(job));
    const files = filesOf(folder);
    const pusher = new Pusher(connector);
    const began = performance.now();
    const alone = files.filter((_, at) => at % SINGLE === 0);
    const [strikes] = await Promise.all([
      strike(bench, pusher, files.length),
      pusher.batched(
        files.filter((_, at) => at % SINGLE !== 0),
        job,
        BATCH,
      ),
      pusher.single(alone, job),
    ]);
    const pushedMs = performance.now() - began;
    const said = files.length;
    await connector.call('POST', `scan/jobs/${job}/enqueue_done`, { enqueued_total: said });
    const jobs = await ended(api, connector.uuid);
    const endedMs = performance.now() - began;
    const rss = memory.stop();
    const ledger = await openLedger(bench.stack.ledger, { create: false });
    const account = await accountOf(ledger, jobs, pusher);
    await ledger.close();
    const followed = await follow(connector, pusher);
    const wrong = [...account.wrong];
    const slowest = Math.max(...[...pusher.batches, ...pusher.singles].map(({ ms }) => ms));
    for (const [what, figure] of [
      ['files; acknowledged; lost at the kill', `${said}; ${pusher.acknowledged.size}; ${pusher.lost.size}`],
      ['pushed in', `${seconds(pushedMs)} (${Math.round(pusher.acknowledged.size / (pushedMs / 1000))} files/s)`],
      ['scanned to the end in', `${seconds(endedMs)} (${Math.round(account.rows / (endedMs / 1000))} files/s)`],
      [`batches of ${BATCH}: answered after (p50, p95, most)`, waits(pusher.batches)],
      ['single files: answered after (p50, p95, most)', waits(pusher.singles)],
      ['pushes that failed', [...pusher.failures].map(([code, count]) => `${code}: ${count}`).join(', ') || 'none'],
      ['API, worker back after', `${strikes.apiBack} ms, ${strikes.workerBack} ms`],
      ['RSS of the API: first, most, last', [rss.first, rss.most, rss.last].map(mib).join(', ')],
      ['jobs; rows; clean', `${account.jobs}; ${account.rows}; ${account.clean}`],
      ['acknowledged: without a row, with more than one', `${account.missing}, ${account.twice} (must be 0)`],
      ['not acknowledged, with a row', account.unasked],
      ['task ids asked for; not told as judged', `${followed.asked}; ${followed.other} (must be 0)`],
    ] as const) {
      console.log(`| ${what} | ${figure} |`);
    }
    if (account.missing > 0) wrong.push(`${account.missing} files that were acknowledged have no row`);
    if (account.twice > 0) wrong.push(`${account.twice} files have more than one row`);
    if (account.unasked > pusher.lost.size) wrong.push('there are rows of files that nobody pushed');
    if (account.clean !== account.rows) wrong.push(`${account.rows - account.clean} files were not judged clean`);
    if (followed.other > 0) wrong.push(`${followed.other} task ids do not tell what became of their files`);
    if (slowest > SLOWEST_MS) wrong.push(`an answer took ${seconds(slowest)}: a former connector had given up`);
    for (const line of wrong) console.log(`WRONG ${line}`);
    return wrong.length === 0 ? 0 : 1;
  } finally {
    clearInterval(heartbeat);
    memory.stop();
  }
}

/** Kills the API when enough is acknowledged, and the worker two seconds later. */
async function strike({ home }: BenchStack, pusher: Pusher, files: number) {
  await until(async () => pusher.acknowledged.size >= files * STRIKE_AT, 20);
  await until(async () => pusher.underWay > 0, 2);
  const api = processOf(home, 'api') ?? 0;
  const apiBack = untilBack(home, 'api', api, killPart(home, 'api'));
  await pause(WORKER_AFTER_MS);
  const worker = processOf(home, 'worker') ?? 0;
  const workerBack = untilBack(home, 'worker', worker, killPart(home, 'worker'));
  return { apiBack: await apiBack, workerBack: await workerBack };
}

/** The jobs of the connector, oldest first, once all have ended. */
async function ended(api: ApiClient, uuid: string): Promise<string[]> {
  const own = async () => (await api.jobs({ limit: 100 })).jobs.filter(({ source }) => source.id === uuid).reverse();
  await until(async () => {
    const jobs = await own();
    // What names a job goes to its scan: a job on events would be a mistake, and never end.
    return jobs.length > 0 && jobs.every(({ state, kind }) => isFinal(state) || kind === 'on-access');
  });
  return (await own()).map(({ job }) => job);
}

/** Asks what became of some pushes by their ids. */
async function follow(connector: OldConnector, { tasks }: Pusher): Promise<{ asked: number; other: number }> {
  let other = 0;
  for (const { task, location } of tasks) {
    const { body } = await connector.call('GET', `scan/request/${task}`);
    const found = (await connector.call('GET', `scan/results/${task}`)).body as unknown as {
      scan_request: { location: string };
    }[];
    if (body.state !== 'SUCCESS' || found[0]?.scan_request.location !== location) other += 1;
  }
  return { asked: tasks.length, other };
}

async function until(is: () => Promise<boolean>, everyMs = 250): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await is().catch(() => false))) {
    if (performance.now() > end) throw new Error(`not in ${PATIENCE_MS / 60_000} minutes`);
    await pause(everyMs);
  }
}

function waits(acks: readonly Ack[]): string {
  const { p50, p95, max } = quantiles(acks.map(({ ms }) => ms));
  return [p50, p95, max].map((ms) => `${Math.round(ms)} ms`).join(', ');
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`;
