import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ApiClient, ApiError } from '../../api/client.ts';
import type { StartJobAnswer, StartJobBody } from '../../api/contract.ts';
import { parseBytes } from '../../config/fields.ts';
import { ITEM_ACTIONS, type ItemAction } from '../../domain/action.ts';
import { parseSeconds } from '../../domain/duration.ts';
import { LONGEST_RESCAN_AFTER } from '../../domain/incremental.ts';
import { changedLimits } from '../../domain/limits.ts';
import { CliError } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { type BrakeOption, brakeArgument } from '../job/brake.ts';
import { filterText } from '../job/filter-text.ts';
import { apiError } from '../job/follow.ts';
import { type Interrupts, listenForInterrupts } from '../job/interrupts.ts';
import { createJsonReporter } from '../job/json-reporter.ts';
import { KEY_OPTION, keyOf } from '../job/key-option.ts';
import { addLimitOptions, type LimitOptions, limitsChange } from '../job/limit-options.ts';
import { openOccasion } from '../job/occasion.ts';
import { checkScanner } from '../job/scanner-check.ts';
import { chooseScanner, STAND_IN } from '../job/scanner-choice.ts';
import { readSettings } from '../job/settings.ts';
import { expectConnector, resolveQuarantine, resolveTarget, type Target } from '../job/target.ts';
import { tellToTheEnd } from '../job/tell-to-the-end.ts';
import { createTextReporter } from '../job/text-reporter.ts';
import { createOutput, type Output } from '../render/output.ts';
import type { StackOptions, Stacks } from '../stack/contract.ts';
import { stacks } from '../stack/stacks.ts';

export interface ScanOptions extends LimitOptions {
  readonly action?: ItemAction;
  readonly filter?: string;
  readonly filterFrom?: string;
  readonly quarantine?: string;
  /** Bytes. */
  readonly maxSize?: number;
  readonly dryRun?: boolean;
  readonly weight?: number;
  /** Worker processes of a stack that is started for this scan. */
  readonly workers?: number;
  readonly maxActions?: BrakeOption;
  readonly incremental?: boolean;
  /** Seconds. */
  readonly rescanAfter?: number;
  readonly detach?: boolean;
  readonly json?: boolean;
  readonly scanner?: string;
  readonly idempotencyKey?: string;
}

/** What a command works with; tests put their own in. */
export interface Surroundings {
  readonly stacks: Stacks;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly output: Output;
  readonly interrupts: Interrupts;
}

export function register(program: Command): void {
  const command = program
    .command('scan')
    .description('scan a folder or a connector, and give an exact account')
    .argument('<folder or connector>', 'a path (with a /, or of something that exists), else the id of a connector')
    .addOption(
      new Option(
        '--action <action>',
        'what is done to malicious items (default: nothing; for a connector, its own)',
      ).choices(ITEM_ACTIONS),
    )
    .option('--filter <text>', 'what is inside the scan, as "*.docx -tmp"; everything if not given')
    .option('--filter-from <file>', 'read the filter from a file (- for stdin)')
    .option('--quarantine <dir>', 'where malicious items are moved to (default: outside the folder)')
    .option('--max-size <bytes>', 'skip larger items, as 1048576 or "512 MiB"', sizeArgument)
    .option('--dry-run', 'plan the actions and touch nothing; dsx apply carries them out later')
    .option(
      '--max-actions <n[/time]>',
      'at most so many actions in the time, as 3/1h; the rest waits for approval',
      brakeArgument,
    )
    .option('--incremental', 'skip what is unchanged since an earlier scan judged it clean')
    .option(
      '--rescan-after <time>',
      'with --incremental: scan it again all the same after so long (default: 30d)',
      rescanArgument,
    )
    .option('--weight <number>', 'share of the workers beside other jobs, 0.1 to 100 (default: 1)', weightArgument)
    .option('--workers <number>', 'worker processes, where a stack is started for this scan', workersArgument);
  addLimitOptions(command)
    .option('--detach', 'start the scan and leave it running')
    .option('--json', 'events as NDJSON on stdout, the last line being the summary')
    .option(...KEY_OPTION)
    .option('--scanner <name>', 'which scanner judges; standin tries things out and proves nothing')
    .action(async (target: string, options: ScanOptions) => {
      const interrupts = listenForInterrupts();
      try {
        const output = createOutput();
        const here = { stacks, env: process.env, cwd: process.cwd(), output, interrupts };
        process.exitCode = await scan(target, options, here);
      } finally {
        interrupts.close();
      }
    });
}

/**
 * Scans and tells; returns the exit code.
 * @throws CliError
 */
export async function scan(text: string, options: ScanOptions, here: Surroundings): Promise<number> {
  const { output, interrupts } = here;
  const target = await resolveTarget(text, here.cwd);
  const filter = await filterText(options, here.cwd);
  const quarantine =
    options.quarantine === undefined ? undefined : await resolveQuarantine(options.quarantine, target, here.cwd);
  const limits = changedLimits({}, limitsChange(options) ?? {});
  const home = dsxHome(here.env);
  const settings = readSettings(here.env, home);
  const found = await here.stacks.find(home);
  if (found === undefined && target.kind === 'connector') expectConnector(settings.connectors, target.id);
  const configured = Object.keys(settings.scanners);
  const choose = (running: readonly string[] | undefined): string =>
    chooseScanner({ asked: options.scanner, appEnv: settings.appEnv, configured, running });
  const scanner = choose(found?.scanners);
  const say = (line: string): void => output.err(line);
  const wanted = {
    ...stackFor(scanner, home, here.env, say),
    ...(options.workers !== undefined && { workers: options.workers }),
  };
  const occasion = await openOccasion(here.stacks, found, wanted, interrupts, say);
  try {
    choose(occasion.stack.scanners);
    await checkScanner(occasion.client, scanner, say);
    const body: StartJobBody = {
      ...(target.kind === 'folder' ? { folder: target.path } : { connector: target.id }),
      scanner,
      ...(options.action !== undefined && { action: options.action }),
      ...(filter !== undefined && { filter }),
      ...(quarantine !== undefined && { quarantine }),
      ...(options.maxSize !== undefined && { maxSize: options.maxSize }),
      ...(options.dryRun === true && { dryRun: true }),
      ...(Object.keys(limits).length > 0 && { limits }),
      ...(options.weight !== undefined && { weight: options.weight }),
      ...options.maxActions,
      ...(options.incremental === true && { incremental: true }),
      ...(options.rescanAfter !== undefined && { rescanAfter: options.rescanAfter }),
    };
    const started = await startJob(occasion.client, body, target, keyOf(options));
    const reporter = options.json === true ? createJsonReporter(output) : createTextReporter(output);
    if (started.joined && Object.keys(limits).length > 0) {
      reporter.note(`the limits of the scan that runs stay as they are; to change them: dsx limits ${started.job}`);
    }
    return await tellToTheEnd(occasion, started, { detach: options.detach === true, reporter, interrupts, say });
  } finally {
    await occasion.close();
  }
}

/** A stack for one scan has the one scanner that was chosen for it. */
export function stackFor(
  scanner: string,
  home: string,
  env: Surroundings['env'],
  say: (line: string) => void,
): StackOptions {
  if (scanner !== STAND_IN) return { home, env, say, skip: ['standin'] };
  return { home, env: Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('DSXA_'))), say };
}

async function startJob(
  client: ApiClient,
  body: StartJobBody,
  target: Target,
  key: { readonly idempotencyKey?: string },
): Promise<StartJobAnswer> {
  try {
    return await client.startJob(body, key);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === 'scan_running') {
      const job = String(error.problem?.job ?? '');
      const what = target.kind === 'folder' ? 'this folder' : `connector ${target.id}`;
      const message = `a scan of ${what} runs with other settings: job ${job}. Watch it with: dsx watch ${job}; or end it with: dsx cancel ${job}`;
      throw new CliError('usage', 'scan_running', message, { cause: error });
    }
    throw apiError(error);
  }
}

function rescanArgument(text: string): number {
  const seconds = parseSeconds(text);
  if (seconds !== undefined && seconds <= LONGEST_RESCAN_AFTER) return seconds;
  throw new InvalidArgumentError('A length of time up to 366d, as 30d or 12h.');
}

function weightArgument(text: string): number {
  const weight = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (weight >= 0.1 && weight <= 100) return weight;
  throw new InvalidArgumentError('A number from 0.1 to 100.');
}

function workersArgument(text: string): number {
  if (/^[1-9]\d?$/.test(text) && Number(text) <= 64) return Number(text);
  throw new InvalidArgumentError('A whole number from 1 to 64.');
}

export function sizeArgument(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined) throw new InvalidArgumentError('A number of bytes, as 1048576 or "512 MiB".');
  return bytes;
}
