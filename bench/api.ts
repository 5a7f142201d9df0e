import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApiClient } from '../api/client.ts';
import { createRedisStatus } from '../status/redis-status.ts';
import type { StatusStore } from '../status/status.ts';
import { benchFinding, benchJob, fillHistory } from './lib/api-history.ts';
import type { LoadOrder, LoadReport } from './lib/api-load.ts';
import { parseCounts } from './lib/arguments.ts';
import { cleanly } from './lib/cleanup.ts';
import { withBenchStack } from './lib/plant.ts';
import { cpuSeconds, MemoryWatch, memoryOf } from './lib/process.ts';

const JOBS = 1_000;
const RUNNING = 50;
const CALLERS = 10;
const PER_SECOND = 500;
const STREAMS = 500;
/** What must hold. */
const P99_MS = 100;
const PEAK_MIB = 300;
const MIB = 2 ** 20;

/**
 * `dsx bench api [seconds]`: an API process with 1,000 jobs, 50 of them running, is asked for the list of jobs and for single jobs in turn,
 * 500 times a second by ten callers, while 500 event streams are read: half of everything, half of a running job. The load comes from another process.
 */
export default async function api(args: string[]): Promise<number> {
  const [seconds = 60] = parseCounts('seconds', args[0] ?? '60');
  return withBenchStack('api', ['temporal', 'valkey'], async ({ stack, home }) => {
    const status = await createRedisStatus(stack.redisUrl ?? '', { commandTimeoutMs: 10_000 });
    await fillHistory(stack.ledger, status, JOBS, RUNNING);
    const key = randomBytes(32).toString('hex');
    mkdirSync(path.join(home, 'api'), { recursive: true });
    const keyFile = path.join(home, 'api', 'key');
    writeFileSync(keyFile, key, { mode: 0o600 });
    const server = start('../api/main.ts', {
      DSX_HOME: home,
      DSX_LEDGER: stack.ledger,
      TEMPORAL_ADDRESS: stack.temporalAddress,
      REDIS_URL: stack.redisUrl,
      DSXCONNECT_API_KEY_FILE: keyFile,
      API_HOST: '127.0.0.1',
      API_PORT: '0',
      LOG_LEVEL: 'warn',
    });
    return cleanly(
      async () => {
        server.kill();
        await status.close();
      },
      async () => {
        const { address: origin } = await message<{ address: string }>(server);
        const admin = createApiClient({ origin, key });
        const keys: string[] = [];
        for (let at = 0; at < CALLERS; at++) {
          keys.push((await admin.createKey({ name: `reader-${at}`, role: 'viewer' })).key);
        }
        const { jobs } = await admin.jobs({ limit: 1 });
        if (jobs.length !== 1) throw new Error('the API knows no job');
        console.log(`${JOBS} jobs, ${keys.length} callers, load average ${loadavg()[0]?.toFixed(1)}`);
        return measure(server, status, { origin, keys, seconds, perSecond: PER_SECOND, ...paths() });
      },
    );
  });
}

function paths(): Pick<LoadOrder, 'paths' | 'streams'> {
  const job = (at: number) => `/jobs/${benchJob(at % JOBS, false).job}`;
  const asked = Array.from({ length: JOBS }, (_, at) => ['/jobs?limit=100', job(at * 7)]).flat();
  const streams = Array.from({ length: STREAMS }, (_, at) =>
    at % 2 === 0 ? '/events' : `${job(JOBS - RUNNING + ((at >> 1) % RUNNING))}/events`,
  );
  return { paths: asked, streams };
}

async function measure(server: ChildProcess, status: StatusStore, order: LoadOrder): Promise<number> {
  const pid = server.pid as number;
  const load = start('lib/api-load.ts', {});
  const publisher = publish(status);
  const idle = memoryOf(pid).now / MIB;
  const watch = new MemoryWatch(pid);
  const cpu = cpuSeconds(pid);
  load.send(order);
  const report = await message<LoadReport>(load);
  const used = cpuSeconds(pid) - cpu;
  const published = await publisher.stop();
  const { early, late } = watch.stop();
  const peak = memoryOf(pid).peak / MIB;

  let worst = 0;
  for (const [kind, times] of Object.entries(report.times)) {
    const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
    worst = Math.max(worst, at(0.99));
    const shown = [0.5, 0.95, 0.99, 1].map((share) => at(share).toFixed(1).padStart(7)).join(' ');
    console.log(`GET ${kind.padEnd(12)} ${times.length} answers, p50 p95 p99 max: ${shown} ms`);
  }
  const { streams, failures, bytes, late: lag } = report;
  console.log(`answers ${(bytes / MIB / order.seconds).toFixed(1)} MiB/s, not 200: ${JSON.stringify(failures)}`);
  console.log(
    `${streams.opened} streams, ${streams.cut} cut, ${Math.round(streams.events / order.seconds)} events/s, ${(streams.bytes / MIB / order.seconds).toFixed(1)} MiB/s`,
  );
  console.log(`published meanwhile: ${published.jobs} states of jobs, ${published.findings} findings`);
  console.log(
    `API: ${((used / order.seconds) * 100).toFixed(0)} % of a core, resident ${Math.round(idle)} MiB before, ${Math.round(early / MIB)} MiB early, ${Math.round(late / MIB)} MiB late, ${Math.round(peak)} MiB peak`,
  );
  console.log(
    `load average ${loadavg()[0]?.toFixed(1)}; the load generator was late by ${lag.toFixed(0)} ms at most, and took ${((report.cpu / order.seconds) * 100).toFixed(0)} % of a core`,
  );
  const good = worst <= P99_MS && peak <= PEAK_MIB && streams.opened === STREAMS && streams.cut === 0;
  const failed = Object.keys(failures).length > 0;
  console.log(`p99 ${worst.toFixed(1)} ms (at most ${P99_MS}), peak ${Math.round(peak)} MiB (at most ${PEAK_MIB})`);
  return good && !failed ? 0 : 1;
}

/** What workers tell meanwhile: each running job a new state every five seconds and live figures every second, and a finding each second. */
function publish(status: StatusStore): { stop(): Promise<{ jobs: number; findings: number }> } {
  const told = { jobs: 0, findings: 0 };
  let on = true;
  const run = async (): Promise<void> => {
    for (let turn = 0; on; turn++) {
      const at = JOBS - RUNNING + (turn % RUNNING);
      const progress = benchJob(at, true, 41 + turn);
      const live = { counters: progress.counters, inFlight: 24, itemsPerSecond: turn, bytesPerSecond: turn * 1_000 };
      await status.publishLive(progress.job, 'worker-1', live, 5_000);
      if (turn % 5 === 0) {
        await status.publishJob(progress);
        told.jobs += 1;
      }
      if (turn % 50 === 0) {
        await status.publishFindings(progress.job, [benchFinding(turn)]);
        told.findings += 1;
      }
      await sleep(1_000 / RUNNING);
    }
  };
  const running = run();
  return {
    async stop() {
      on = false;
      await running;
      return told;
    },
  };
}

/** As the stack starts the API. */
function start(script: string, env: NodeJS.ProcessEnv): ChildProcess {
  return fork(path.join(import.meta.dirname, script), {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_OPTIONS: process.env.NODE_OPTIONS,
      MALLOC_ARENA_MAX: '2',
      ...env,
    },
    execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4'],
  });
}

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (value) => resolve(value as T));
    child.once('exit', (code) => reject(new Error(`a process of the benchmark ended with ${code}`)));
  });
}
