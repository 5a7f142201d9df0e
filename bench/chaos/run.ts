import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { messageOf } from '../../domain/errors.ts';
import { openLedger } from '../../ledger/ledger.ts';
import type { SeenRequest } from '../../scanner/standin/request-log.ts';
import { checkJob, type JobVerdict } from './check/check-job.ts';
import { readRequests } from './check/requests.ts';
import { JobChain, type RanJob } from './jobs.ts';
import { schedule } from './schedule.ts';
import { ChaosStack } from './stack.ts';
import { Striker } from './strike.ts';
import type { Event } from './timeline.ts';
import { toxiproxyBinary } from './toxiproxy-install.ts';

/** After the last fault the job in hand must end within this. */
const END_WITHIN_MS = 240_000;
/** Time that one scan takes the stand-in, and scans that it runs at once: so long does a job last. */
const LATENCY_MS = 120;
const SCANNER_WORKERS = 24;
const PAGE_ITEMS = 250;

export interface ChaosOptions {
  readonly seed: number;
  /** Faults in all. */
  readonly kills: number;
  readonly workers: number;
  /** Files of each job's folder. */
  readonly items: number;
  /** Leave the folder of the run as it is. */
  readonly keep: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly interrupted: AbortSignal;
}

export interface ChaosReporter {
  note(line: string): void;
  fault(event: Event, number: number, of: number): void;
  job(ran: RanJob, verdict: JobVerdict): void;
}

export interface ChaosResult {
  readonly seed: number;
  readonly kills: number;
  readonly workers: number;
  readonly items: number;
  /** Every job is proven, and everything that was struck came back. */
  readonly proven: boolean;
  readonly interrupted: boolean;
  readonly seconds: number;
  readonly events: readonly Event[];
  readonly jobs: readonly { readonly verdict: JobVerdict; readonly seconds: number; readonly state: string }[];
  readonly problems: readonly string[];
  /** Where the run's state, ledger, logs and folders are left; undefined when they are gone. */
  readonly base: string | undefined;
}

/**
 * Runs jobs over generated folders while faults strike, and proves each job afterwards. Ends by itself; whatever it started is ended.
 * @throws CliError, PartEnded when there is no stack to be had
 */
export async function runChaos(options: ChaosOptions, reporter: ChaosReporter): Promise<ChaosResult> {
  const began = Date.now();
  const toxiproxy = await toxiproxyBinary(reporter.note);
  const base = path.join(realpathSync(tmpdir()), `dsx-chaos-${options.seed}-${process.pid}`);
  rmSync(base, { recursive: true, force: true });
  mkdirSync(base, { recursive: true, mode: 0o700 });
  const problems: string[] = [];
  const jobs: { verdict: JobVerdict; seconds: number; state: string }[] = [];
  let events: readonly Event[] = [];
  const stack = await startStack(base, toxiproxy, options, reporter);
  const end = (): void => stack.kill();
  process.once('exit', end);
  try {
    const ran = await strikeAndScan(stack, base, options, reporter, problems);
    events = ran.events;
    for (const { fault, target, problem } of events) {
      if (problem !== undefined) problems.push(`${fault.kind} of ${target}: ${problem}`);
    }
    const requests = readRequests(stack.requestLog);
    for (const job of ran.jobs) {
      const verdict = await prove(stack, job, requests, events);
      jobs.push({ verdict, seconds: job.seconds, state: job.result.state });
      reporter.job(job, verdict);
    }
  } finally {
    await stack.stop();
    process.removeListener('exit', end);
  }
  const interrupted = options.interrupted.aborted;
  const proven =
    !interrupted && problems.length === 0 && jobs.length > 0 && jobs.every((one) => one.verdict.problemCount === 0);
  // What is not proven is evidence.
  const kept = options.keep || (!proven && !interrupted);
  if (!kept) rmSync(base, { recursive: true, force: true, maxRetries: 3 });
  const { seed, kills, workers, items } = options;
  const seconds = (Date.now() - began) / 1000;
  const where = kept ? base : undefined;
  return { seed, kills, workers, items, proven, interrupted, seconds, events, jobs, problems, base: where };
}

async function startStack(
  base: string,
  toxiproxy: string,
  { workers, env }: ChaosOptions,
  reporter: ChaosReporter,
): Promise<ChaosStack> {
  const settings = {
    ...env,
    DSXA_METADATA: 'on',
    DSXCONNECT_PAGE_ITEMS: String(PAGE_ITEMS),
    STANDIN_LATENCY_MS: String(LATENCY_MS),
    STANDIN_WORKERS: String(SCANNER_WORKERS),
    STANDIN_REMEMBER: '0',
  };
  try {
    return await ChaosStack.start({
      home: path.join(base, 'home'),
      workers,
      toxiproxy,
      env: settings,
      say: reporter.note,
    });
  } catch (error) {
    rmSync(base, { recursive: true, force: true });
    throw error;
  }
}

/** Faults strike while job follows job; the last job ends in peace. */
async function strikeAndScan(
  stack: ChaosStack,
  base: string,
  options: ChaosOptions,
  reporter: ChaosReporter,
  problems: string[],
): Promise<{ jobs: RanJob[]; events: readonly Event[] }> {
  const { seed, kills, workers, items, interrupted } = options;
  let number = 0;
  const striker = new Striker(stack, (event) => reporter.fault(event, ++number, kills));
  const chain = await JobChain.open(stack, base, seed, items, interrupted);
  const failed = new AbortController();
  const stop = AbortSignal.any([interrupted, failed.signal]);
  const jobs: RanJob[] = [];
  let deadline = Number.POSITIVE_INFINITY;
  let striking = true;
  const strikes = striker.run(schedule(seed, kills, workers), stop).then(async () => {
    await striker.settled();
    striking = false;
    deadline = interrupted.aborted ? 0 : Date.now() + END_WITHIN_MS;
  });
  try {
    while (striking && !stop.aborted) jobs.push(await chain.run(jobs.length + 1, () => deadline));
  } catch (error) {
    if (!interrupted.aborted) problems.push(messageOf(error));
    failed.abort();
  } finally {
    await strikes;
    await chain.close();
  }
  return { jobs, events: striker.events };
}

async function prove(
  stack: ChaosStack,
  ran: RanJob,
  requests: readonly SeenRequest[],
  events: readonly Event[],
): Promise<JobVerdict> {
  const { job, corpus, before, quarantine, result, told } = ran;
  const ledger = await openLedger(stack.ledger, { create: false });
  try {
    const verdict = await checkJob({
      ledger,
      job,
      root: result.root,
      folder: corpus.folder,
      before,
      expected: corpus.items,
      quarantine,
      told: [
        {
          who: 'the result',
          listed: result.listed,
          outcomes: result.counters.outcomes,
          actionsDone: result.actions.done,
        },
        { who: 'the API', listed: told.listed, outcomes: told.counters.outcomes, actionsDone: told.actions.done },
      ],
      requests,
      workers: stack.scannerHosts,
      events,
    });
    return verdict;
  } finally {
    await ledger.close();
  }
}
