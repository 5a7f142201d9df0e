import { type Command, InvalidArgumentError } from 'commander';
import { ApiError } from '../../api/client.ts';
import type { Degraded, JobResource } from '../../api/contract.ts';
import type { LedgerSettings } from '../../config/ledger.ts';
import { FINAL_STATES, isFinal, RUNNING_STATES } from '../../domain/job.ts';
import { CliError } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { figuresOf } from '../job/figures.ts';
import { apiError } from '../job/follow.ts';
import { jobsFromLedger, ledgerAt } from '../job/from-ledger.ts';
import { clientOf } from '../job/occasion.ts';
import { type JobLine, jobLine, jobsTable, relatedOf } from '../render/jobs.ts';
import { createOutput, type Output } from '../render/output.ts';
import { styleOf } from '../render/style.ts';
import type { Stack, Stacks } from '../stack/contract.ts';
import { stacks } from '../stack/stacks.ts';

interface JobsOptions {
  readonly json?: boolean;
  readonly limit: number;
  readonly source?: string;
  readonly state?: string;
  readonly rebuild?: boolean;
}

type Wanted = Pick<JobsOptions, 'limit' | 'source' | 'state'>;

export function register(program: Command): void {
  program
    .command('jobs')
    .description('list scans, newest first; also with no stack running')
    .option('--limit <n>', 'list at most so many', limitArgument, 20)
    .option('--source <id>', 'of this connector, or of the folder with this id')
    .option('--state <states>', 'in these states, as running,held', statesArgument)
    .option('--json', 'one JSON object a line')
    .option('--rebuild', 'write the status in Redis anew, from the workflows and the ledger, instead of listing')
    .action(async (options: JobsOptions) => {
      const here = { stacks, env: process.env, output: createOutput() };
      await (options.rebuild === true ? rebuildStatus(options, here) : listJobs(options, here));
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
      ? await fromLedger(ledgerAt(here.env, home), options)
      : await fromApi(stack, options, here.output);
  if (stack === undefined) here.output.err('no stack is up: this is what the ledger says');
  if (options.json === true) {
    for (const job of jobs) here.output.out(JSON.stringify(job));
    return;
  }
  if (jobs.length === 0) here.output.out('no jobs yet; start one with: dsx scan FOLDER');
  else here.output.out(jobsTable(jobs, styleOf(here.output.stdout)));
}

/** Has the running stack rebuild its status, and tells what came of it. @throws CliError */
export async function rebuildStatus(
  options: Pick<JobsOptions, 'json'>,
  here: { stacks: Stacks; env: Readonly<Record<string, string | undefined>>; output: Output },
): Promise<void> {
  const stack = await here.stacks.find(dsxHome(here.env));
  if (stack === undefined) {
    throw new CliError(
      'failed',
      'no_stack',
      'no stack is up, so there is no status to rebuild; start one with: dsx up',
    );
  }
  try {
    const { running, ended, findings, unanswered, seconds } = await clientOf(stack).rebuild();
    if (options.json === true) {
      here.output.out(JSON.stringify({ running, ended, findings, unanswered, seconds }));
      return;
    }
    const parts = [
      `${running} running (from their workflows)`,
      `${ended} ended (from the ledger)`,
      `${findings} findings`,
    ];
    here.output.out(`status rebuilt in ${seconds} s: ${parts.join(', ')}`);
    if (unanswered.length > 0) here.output.err(`no worker answers for: ${unanswered.join(', ')}`);
  } catch (error) {
    throw error instanceof ApiError ? apiError(error) : error;
  }
}

async function fromApi(stack: Stack, { limit, source, state }: Wanted, output: Output): Promise<JobLine[]> {
  const client = clientOf(stack);
  const found: JobResource[] = [];
  const lacking = new Set<Degraded>();
  const unanswered: string[] = [];
  let after: string | undefined;
  try {
    do {
      const query = {
        limit: Math.min(100, limit - found.length),
        ...(after !== undefined && { after }),
        ...(source !== undefined && { source }),
        ...(state !== undefined && { state }),
      };
      const page = await client.jobs(query);
      found.push(...page.jobs);
      for (const one of page.degraded ?? []) lacking.add(one);
      unanswered.push(...(page.unanswered ?? []));
      after = page.next;
    } while (after !== undefined && found.length < limit);
  } catch (error) {
    throw error instanceof ApiError ? apiError(error) : error;
  }
  for (const one of lacking) output.err(LACKING[one]);
  if (unanswered.length > 0) output.err(`no worker answers for: ${unanswered.join(', ')}`);
  return found.slice(0, limit).map((job) => {
    const { kind, source, startedAt, endedAt, listed, root } = job;
    const idle = job.idle !== undefined && { idle: job.idle };
    const limits = job.limits !== undefined && !isFinal(job.state) && { limits: job.limits };
    const related = relatedOf({ ...job, retryOf: job.retry?.of });
    const order = job.order !== undefined && { order: job.order };
    const ends = { ...(endedAt !== undefined && { endedAt }), ...(root !== undefined && { root }) };
    return jobLine(
      {
        job: job.job,
        state: job.state,
        ...idle,
        ...limits,
        ...related,
        ...order,
        kind,
        source,
        startedAt,
        ...ends,
        listed,
      },
      figuresOf(job).counters,
    );
  });
}

const LACKING: Readonly<Record<Degraded, string>> = {
  status_down: 'Redis is down: this is what Temporal and the ledger say',
  temporal_unreachable: 'Temporal can not be reached: jobs that run may be missing or out of date',
  ledger_unavailable: 'the ledger can not be read: jobs that have ended may be missing',
};

async function fromLedger(at: LedgerSettings, { limit, source, state }: Wanted): Promise<JobLine[]> {
  const isAll = source === undefined && state === undefined;
  const states = state?.split(',');
  const found = (await jobsFromLedger(at, isAll ? limit : Number.MAX_SAFE_INTEGER)).filter(
    (job) => isAll || (fits(source, job.source?.id) && (states?.includes(job.state) ?? true)),
  );
  return found.slice(0, limit).map(({ counters, ...summary }) => {
    if (summary.state === 'damaged') return jobLine({ job: summary.job, state: 'damaged', listed: 0 }, counters);
    const { retry: _, whole: __, ...job } = summary;
    return jobLine({ ...job, ...relatedOf(summary) }, counters);
  });
}

function fits(wanted: string | undefined, there: string | undefined): boolean {
  return wanted === undefined || wanted === there;
}

function statesArgument(text: string): string {
  const known: readonly string[] = [...RUNNING_STATES, ...FINAL_STATES];
  if (text.split(',').every((state) => known.includes(state))) return text;
  throw new InvalidArgumentError(`Some of ${known.join(',')}.`);
}

function limitArgument(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 1) throw new InvalidArgumentError('A whole number above 0.');
  return n;
}
