import { type Command, InvalidArgumentError } from 'commander';
import { ApiError } from '../../api/client.ts';
import type { JobResource } from '../../api/contract.ts';
import { dsxHome } from '../home.ts';
import { figuresOf } from '../job/figures.ts';
import { apiError } from '../job/follow.ts';
import { jobsFromLedger, ledgerFolder } from '../job/from-ledger.ts';
import { clientOf } from '../job/occasion.ts';
import { type JobLine, jobLine, jobsTable } from '../render/jobs.ts';
import { createOutput, type Output } from '../render/output.ts';
import { styleOf } from '../render/style.ts';
import type { Stack, Stacks } from '../stack/contract.ts';
import { stacks } from '../stack/stacks.ts';

interface JobsOptions {
  readonly json?: boolean;
  readonly limit: number;
}

export function register(program: Command): void {
  program
    .command('jobs')
    .description('list scans, newest first; also with no stack running')
    .option('--limit <n>', 'list at most so many', limitArgument, 20)
    .option('--json', 'one JSON object a line')
    .action(async (options: JobsOptions) => {
      await listJobs(options, { stacks, env: process.env, output: createOutput() });
    });
}

/** @throws CliError */
export async function listJobs(
  options: JobsOptions,
  here: { stacks: Stacks; env: Readonly<Record<string, string | undefined>>; output: Output },
): Promise<void> {
  const home = dsxHome(here.env);
  const stack = await here.stacks.find(home);
  const jobs =
    stack === undefined
      ? await fromLedger(ledgerFolder(here.env, home), options.limit)
      : await fromApi(stack, options.limit);
  if (stack === undefined) here.output.err('no stack is up: this is what the ledger says');
  if (options.json === true) {
    for (const job of jobs) here.output.out(JSON.stringify(job));
    return;
  }
  if (jobs.length === 0) here.output.out('no jobs yet; start one with: dsx scan FOLDER');
  else here.output.out(jobsTable(jobs, styleOf(here.output.stdout)));
}

async function fromApi(stack: Stack, limit: number): Promise<JobLine[]> {
  const client = clientOf(stack);
  const found: JobResource[] = [];
  let after: string | undefined;
  try {
    do {
      const query = { limit: Math.min(100, limit - found.length), ...(after !== undefined && { after }) };
      const page = await client.jobs(query);
      found.push(...page.jobs);
      after = page.next;
    } while (after !== undefined && found.length < limit);
  } catch (error) {
    throw error instanceof ApiError ? apiError(error) : error;
  }
  return found.slice(0, limit).map((job) => {
    const { kind, source, startedAt, endedAt, listed, root } = job;
    const idle = job.idle !== undefined && { idle: job.idle };
    const ends = { ...(endedAt !== undefined && { endedAt }), ...(root !== undefined && { root }) };
    return jobLine(
      { job: job.job, state: job.state, ...idle, kind, source, startedAt, ...ends, listed },
      figuresOf(job).counters,
    );
  });
}

async function fromLedger(folder: string, limit: number): Promise<JobLine[]> {
  return (await jobsFromLedger(folder, limit)).map(({ counters, ...summary }) => {
    if (summary.state === 'damaged') return jobLine({ job: summary.job, state: 'damaged', listed: 0 }, counters);
    return jobLine(summary, counters);
  });
}

function limitArgument(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 1) throw new InvalidArgumentError('A whole number above 0.');
  return n;
}
