import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ApiClient, ApiError } from '../../api/client.ts';
import type { RetryJobBody, StartJobAnswer } from '../../api/contract.ts';
import { ITEM_ACTIONS, type ItemAction } from '../../domain/action.ts';
import type { Gap } from '../../domain/job.ts';
import { RETRIABLE, type RetriableOutcome } from '../../domain/retry.ts';
import { CliError, EXIT } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { apiError, noSuchJob } from '../job/follow.ts';
import { headerFromLedger, ledgerAt } from '../job/from-ledger.ts';
import { listenForInterrupts } from '../job/interrupts.ts';
import { createJsonReporter } from '../job/json-reporter.ts';
import { KEY_OPTION, keyOf } from '../job/key-option.ts';
import { openOccasion } from '../job/occasion.ts';
import type { Reporter } from '../job/reporter.ts';
import { checkScanner } from '../job/scanner-check.ts';
import { chooseScanner } from '../job/scanner-choice.ts';
import { readSettings } from '../job/settings.ts';
import { resolveQuarantine } from '../job/target.ts';
import { tellToTheEnd } from '../job/tell-to-the-end.ts';
import { createTextReporter } from '../job/text-reporter.ts';
import { gapLines } from '../render/gaps.ts';
import { visible } from '../render/names.ts';
import { createOutput, type Output } from '../render/output.ts';
import { stacks } from '../stack/stacks.ts';
import { type Surroundings, stackFor } from './scan.ts';

export interface RetryOptions {
  readonly class?: readonly string[];
  readonly outcome?: readonly RetriableOutcome[];
  readonly all?: boolean;
  readonly prefix?: string;
  readonly action?: ItemAction;
  readonly quarantine?: string;
  readonly dryRun?: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
  readonly idempotencyKey?: string;
  readonly scanner?: string;
}

export function register(program: Command): void {
  program
    .command('retry')
    .description('scan again what a job could not judge, and account for both together')
    .argument('<job>', 'its id, as dsx jobs lists it')
    .option('--class <class>', 'only items that failed with this class (or reason); may be repeated', collect)
    .option('--outcome <outcome>', `which items: ${RETRIABLE.join(', ')} (default: failed); may be repeated`, outcomes)
    .option('--all', `every item that was not judged: ${RETRIABLE.join(', ')}`)
    .option('--prefix <text>', 'only items whose location begins so')
    .addOption(new Option('--action <action>', 'instead of the action of the job').choices(ITEM_ACTIONS))
    .option('--quarantine <dir>', 'instead of the quarantine of the job')
    .option('--dry-run', 'plan the actions and touch nothing')
    .option('--detach', 'start the retry and leave it running')
    .option('--json', 'events as NDJSON on stdout, the last line being the summary')
    .option(...KEY_OPTION)
    .option('--scanner <name>', 'instead of the scanner of the job')
    .action(async (job: string, options: RetryOptions) => {
      const interrupts = listenForInterrupts();
      try {
        const here = { stacks, env: process.env, cwd: process.cwd(), output: createOutput(), interrupts };
        process.exitCode = await retry(job, options, here);
      } finally {
        interrupts.close();
      }
    });
}

function collect(value: string, before: readonly string[] | undefined): string[] {
  if (value === '') throw new InvalidArgumentError('It must not be empty.');
  return [...(before ?? []), value];
}

function outcomes(value: string, before: readonly RetriableOutcome[] | undefined): RetriableOutcome[] {
  const known = RETRIABLE.find((outcome) => outcome === value);
  if (known === undefined) throw new InvalidArgumentError(`Allowed choices are ${RETRIABLE.join(', ')}.`);
  return [...(before ?? []), known];
}

/**
 * Retries and tells; returns the exit code.
 * @throws CliError `no_such_job`, `job_not_ended`, `scan_running`, … (usage)
 */
export async function retry(job: string, options: RetryOptions, here: Surroundings): Promise<number> {
  const { output, interrupts } = here;
  if (options.all === true && options.outcome !== undefined) {
    throw new CliError('usage', 'invalid', '--all stands for every outcome that can be retried: leave out --outcome');
  }
  const home = dsxHome(here.env);
  const settings = readSettings(here.env, home);
  const found = await here.stacks.find(home);
  const header = await headerFromLedger(ledgerAt(here.env, home), job);
  if (header === undefined && found === undefined) throw noSuchJob(job);
  const say = (line: string): void => output.err(line);
  const configured = Object.keys(settings.scanners);
  const asked = options.scanner ?? header?.settings.scanner;
  const choose = (running: readonly string[] | undefined): string =>
    chooseScanner({ asked, appEnv: settings.appEnv, configured, running });
  // Where the job is known to the stack alone, the API takes the job's own scanner.
  const scanner = asked === undefined ? undefined : choose(found?.scanners);
  const quarantine = await quarantineOf(options, header?.source, here.cwd);
  const stack = stackFor(scanner ?? '', home, here.env, say);
  const occasion = await openOccasion(here.stacks, found, stack, interrupts, say);
  try {
    if (asked !== undefined) choose(occasion.stack.scanners);
    const body = bodyOf(options, quarantine);
    const reporter = options.json === true ? createJsonReporter(output) : createTextReporter(output);
    const started = await start(occasion.client, job, body, keyOf(options), scanner, reporter, say);
    if ('exit' in started) return tellNothing(started, options.json === true, output);
    return await tellToTheEnd(occasion, started, { detach: options.detach === true, reporter, interrupts, say });
  } finally {
    await occasion.close();
  }
}

async function quarantineOf(
  { quarantine }: RetryOptions,
  source: { kind: string; id: string; path?: string } | undefined,
  cwd: string,
): Promise<string | undefined> {
  if (quarantine === undefined) return undefined;
  const { id = '', path } = source ?? {};
  return resolveQuarantine(quarantine, path === undefined ? { kind: 'connector', id } : { kind: 'folder', path }, cwd);
}

function bodyOf(options: RetryOptions, quarantine: string | undefined): RetryJobBody {
  return {
    ...(options.class !== undefined && { classes: options.class }),
    ...(options.outcome !== undefined && { outcomes: options.outcome }),
    ...(options.all === true && { all: true }),
    ...(options.prefix !== undefined && { prefix: options.prefix }),
    ...(options.action !== undefined && { action: options.action }),
    ...(quarantine !== undefined && { quarantine }),
    ...(options.dryRun === true && { dryRun: true }),
    ...(options.scanner !== undefined && { scanner: options.scanner }),
  };
}

/** Nothing was started: how it stands. */
interface Nothing {
  readonly exit: number;
  readonly job: string;
  readonly detail: string;
  readonly left: readonly Gap[];
  readonly closedBy?: string;
}

async function start(
  client: ApiClient,
  job: string,
  body: RetryJobBody,
  key: { readonly idempotencyKey?: string },
  scanner: string | undefined,
  reporter: Reporter,
  say: (line: string) => void,
): Promise<StartJobAnswer | Nothing> {
  try {
    if (scanner !== undefined) await checkScanner(client, scanner, say);
    return await client.retry(job, body, key);
  } catch (error) {
    reporter.close();
    if (!(error instanceof ApiError)) throw error;
    if (error.code === 'nothing_to_retry') return nothingOf(job, error);
    if (error.status === 404 && error.code === 'job_not_found') throw noSuchJob(job, error);
    if (error.code === 'scan_running') {
      const running = String(error.problem?.job ?? '');
      const message = `a retry of these items runs with another selection or other settings: job ${running}. Watch it with: dsx watch ${running}; or end it with: dsx cancel ${running}`;
      throw new CliError('usage', 'scan_running', message, { cause: error });
    }
    throw apiError(error);
  }
}

function nothingOf(job: string, error: ApiError): Nothing {
  const left = (error.problem?.left ?? []) as readonly Gap[];
  const closedBy = error.problem?.closedBy;
  const exit = left.length === 0 ? EXIT.ok : EXIT.gaps;
  return { exit, job, detail: error.detail, left, ...(typeof closedBy === 'string' && { closedBy }) };
}

function tellNothing({ exit, job, detail, left, closedBy }: Nothing, json: boolean, output: Output): number {
  if (json) {
    output.out(JSON.stringify({ type: 'nothing', job, detail, left, ...(closedBy !== undefined && { closedBy }) }));
    return exit;
  }
  output.out(visible(detail));
  for (const gap of left) for (const line of gapLines(gap, job)) output.out(line);
  return exit;
}
