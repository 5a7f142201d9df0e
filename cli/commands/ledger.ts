import { type Command, Option } from 'commander';
import { ACTION_STATES, type ActionState } from '../../domain/action.ts';
import { OUTCOMES, type Outcome } from '../../domain/outcome.ts';
import { pageActions } from '../../ledger/actions.ts';
import { LedgerError } from '../../ledger/errors.ts';
import { type JobLedger, type Ledger, openLedger } from '../../ledger/ledger.ts';
import { MAX_ROWS, pageOutcomes } from '../../ledger/outcomes.ts';
import { firstOf, relationsOf } from '../../ledger/retry-chain.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { CliError, EXIT } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { ledgerFolder, related } from '../job/from-ledger.ts';
import { listLimit } from '../job/list-limit.ts';
import { jobLine, jobsTable, relatedOf } from '../render/jobs.ts';
import { actionText, outcomeText, reportLines } from '../render/ledger.ts';
import { visible } from '../render/names.ts';
import { createOutput, type Output } from '../render/output.ts';
import { type Style, styleOf } from '../render/style.ts';
import { leftText } from '../render/whole.ts';

export interface Common {
  readonly json?: boolean;
  /** The ledger's folder, where it is not the one of this home. */
  readonly ledger?: string;
}
export interface ShowOptions extends Common {
  readonly outcome?: Outcome;
  readonly prefix?: string;
  readonly reason?: string;
  readonly state?: ActionState;
  readonly limit: number;
  readonly after?: string;
  readonly actions?: boolean;
}
export interface VerifyArguments extends Common {
  readonly root?: string;
}
export interface Here {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly output: Output;
}

export function register(program: Command): void {
  const here = (): Here => ({ env: process.env, output: createOutput() });
  const set = async (code: Promise<number>): Promise<void> => {
    process.exitCode = await code;
  };
  const ledger = program.command('ledger').description('show or verify what is written down of a job; needs no stack');
  const folder = (): Option => new Option('--ledger <folder>', 'the ledger to read (default: the one of this home)');
  ledger
    .command('show')
    .description('list the outcome of every item, or the actions')
    .argument('<job>', 'its id, as dsx jobs lists it')
    .addOption(new Option('--outcome <outcome>', 'only items with this outcome').choices(OUTCOMES))
    .option('--prefix <text>', 'only items whose location begins so')
    .option('--reason <text>', 'only items with exactly this reason, rule or class')
    .option('--actions', 'the state of the item actions instead')
    .addOption(new Option('--state <state>', 'with --actions: only those in this state').choices(ACTION_STATES))
    .option('--limit <n>', 'at most so many lines; "all" for all', listLimit, 100)
    .option('--after <place>', 'go on behind this place, as the last call printed it')
    .addOption(folder())
    .option('--json', 'one JSON object a line: the rows exactly as they are written down')
    .action((job: string, options: ShowOptions) => set(show(job, options, here())));
  ledger
    .command('verify')
    .description('check every hash, row and sum of a job')
    .argument('<job>', 'its id, as dsx jobs lists it')
    .option('--root <hash>', 'the root hash that was printed at its end: proves that nothing was changed since')
    .addOption(folder())
    .option('--json', 'the report as one JSON object')
    .action((job: string, options: VerifyArguments) => set(verify(job, options, here())));
  ledger
    .command('jobs')
    .description('list the jobs of the ledger, newest first')
    .addOption(folder())
    .option('--json', 'one JSON object a line')
    .action((options: Common) => set(jobs(options, here())));
}

/** Prints rows. Returns the exit code. @throws CliError `not_found`, `invalid` (usage), or with another code of the ledger (failed) */
export async function show(id: string, asked: ShowOptions, here: Here): Promise<number> {
  const { output } = here;
  const style = styleOf(output.stdout);
  if (asked.actions === true && (asked.outcome ?? asked.prefix ?? asked.reason) !== undefined) {
    throw new CliError(
      'usage',
      'invalid',
      '--actions can be narrowed by --state only, not by --outcome, --prefix or --reason',
    );
  }
  if (asked.actions !== true && asked.state !== undefined) {
    throw new CliError('usage', 'invalid', '--state is about actions: add --actions');
  }
  return withLedger(asked, here, async (ledger) => {
    const job = await existing(ledger, id);
    const options = await showOf(asked, job);
    let left = options.limit;
    let after = options.after;
    let shown = 0;
    do {
      const paging = { limit: Math.min(left, MAX_ROWS), ...(after !== undefined && { after }) };
      const page =
        options.actions === true
          ? await actionLines(job, options, paging, style)
          : await outcomeLines(job, options, paging, style);
      for (const line of page.lines) output.out(line);
      shown += page.lines.length;
      left -= page.lines.length;
      after = page.next;
    } while (after !== undefined && left > 0 && !output.closed());
    if (after !== undefined) output.err(`there may be more; go on with: --after ${after}`);
    else if (shown === 0 && options.json !== true) output.err(await nothingText(job, options));
    for (const line of await retriesText(ledger, job)) output.err(line);
    return EXIT.ok;
  });
}

/** What a reader of the rows must know besides: newer rows of some items may lie in another job. */
async function retriesText(ledger: Ledger, job: JobLedger): Promise<string[]> {
  const header = await job.header();
  if (header === undefined) return [];
  const { retriedBy, closedBy, whole } = await relationsOf(ledger, job.id, firstOf(header));
  const left = leftText({ job: job.id, retry: header.retry, retriedBy, closedBy, whole });
  const newer = retriedBy === undefined ? [] : [`newer rows of retried items: dsx ledger show ${retriedBy.at(-1)}`];
  return left === undefined ? [] : [left, ...newer];
}

/** An apply job has no outcomes: what there is to show of it are its actions. */
async function showOf(asked: ShowOptions, job: JobLedger): Promise<ShowOptions> {
  if (asked.actions === true || (asked.outcome ?? asked.prefix ?? asked.reason) !== undefined) return asked;
  const header = await job.header();
  return header?.kind === 'apply' ? { ...asked, actions: true } : asked;
}

interface Paging {
  readonly limit: number;
  readonly after?: string;
}
interface LinePage {
  readonly lines: readonly string[];
  readonly next: string | undefined;
}

async function outcomeLines(job: JobLedger, options: ShowOptions, paging: Paging, style: Style): Promise<LinePage> {
  const { rows, next } = await pageOutcomes(job, {
    ...paging,
    ...(options.outcome !== undefined && { outcome: options.outcome }),
    ...(options.prefix !== undefined && { prefix: options.prefix }),
    ...(options.reason !== undefined && { reason: options.reason }),
  });
  return { lines: rows.map((row) => (options.json === true ? JSON.stringify(row) : outcomeText(row, style))), next };
}

async function actionLines(job: JobLedger, options: ShowOptions, paging: Paging, style: Style): Promise<LinePage> {
  const { rows, next } = await pageActions(job, {
    ...paging,
    ...(options.state !== undefined && { state: options.state }),
  });
  return { lines: rows.map((row) => (options.json === true ? JSON.stringify(row) : actionText(row, style))), next };
}

async function nothingText(job: JobLedger, options: ShowOptions): Promise<string> {
  if (options.after !== undefined) return 'nothing more';
  const narrowed = [options.outcome, options.prefix, options.reason, options.state].some(
    (value) => value !== undefined,
  );
  const what = options.actions === true ? 'action' : 'outcome';
  if ((await job.head()) === undefined) return `nothing is committed yet of job ${job.id}`;
  return narrowed ? `job ${job.id} has no such ${what}` : `job ${job.id} has no ${what}s`;
}

/** Prints the report. Returns 0 when all is well, else 5 (failed). @throws CliError */
export async function verify(id: string, options: VerifyArguments, here: Here): Promise<number> {
  const { output } = here;
  return withLedger(options, here, async (ledger) => {
    const job = await existing(ledger, id);
    const report = await verifyJob(job, {
      others: ledger,
      ...(options.root !== undefined && { root: options.root }),
    });
    if (options.json === true) output.out(JSON.stringify(report));
    else for (const line of reportLines(report, styleOf(output.stdout))) output.out(line);
    return report.ok ? EXIT.ok : EXIT.failed;
  });
}

async function jobs(options: Common, here: Here): Promise<number> {
  return withLedger(options, here, async (ledger) => {
    const found = [];
    for await (const job of ledger.jobs()) {
      const told = await related(ledger, job);
      if (options.json === true) here.output.out(JSON.stringify(told));
      else if (job.state === 'damaged')
        found.push(jobLine({ job: job.job, state: 'damaged', listed: 0 }, job.counters));
      else found.push(jobLine({ ...job, ...relatedOf(told) }, job.counters));
    }
    if (options.json === true) return EXIT.ok;
    if (found.length === 0) here.output.err(`the ledger at ${ledger.place} holds no jobs`);
    else here.output.out(jobsTable(found, styleOf(here.output.stdout)));
    return EXIT.ok;
  });
}

/** @throws CliError `not_found` (usage) */
async function existing(ledger: Ledger, id: string): Promise<JobLedger> {
  const job = ledger.job(id);
  for await (const _ of job.objects.list()) return job;
  throw new CliError(
    'usage',
    'not_found',
    `there is no job ${visible(id)} in the ledger at ${ledger.place}; see: dsx ledger jobs`,
  );
}

async function withLedger(options: Common, here: Here, use: (ledger: Ledger) => Promise<number>): Promise<number> {
  const folder = options.ledger ?? ledgerFolder(here.env, dsxHome(here.env));
  let ledger: Ledger | undefined;
  try {
    ledger = await openLedger(folder, { create: false });
    return await use(ledger);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const usage = error.code === 'invalid' || (ledger === undefined && error.code === 'not_found');
    throw new CliError(usage ? 'usage' : 'failed', error.code, error.message, { cause: error });
  } finally {
    await ledger?.close();
  }
}
