import type { Command } from 'commander';
import { type ApiClient, ApiError } from '../../api/client.ts';
import type { ControlJobAnswer } from '../../api/contract.ts';
import { rowsOf } from '../../domain/outcome.ts';
import { CliError, EXIT } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { apiError, noSuchJob } from '../job/follow.ts';
import { jobFromLedger, ledgerAt } from '../job/from-ledger.ts';
import { listenForInterrupts } from '../job/interrupts.ts';
import { createJsonReporter } from '../job/json-reporter.ts';
import { clientOf } from '../job/occasion.ts';
import { followAndTell } from '../job/tell.ts';
import { createTextReporter } from '../job/text-reporter.ts';
import { createOutput } from '../render/output.ts';
import { stateText } from '../render/progress.ts';
import { count, counted } from '../render/units.ts';
import type { Stack } from '../stack/contract.ts';
import { stacks } from '../stack/stacks.ts';
import type { Surroundings } from './scan.ts';

export const VERBS = ['pause', 'resume', 'cancel'] as const;
export type Verb = (typeof VERBS)[number];

interface ControlOptions {
  readonly reason?: string;
  readonly json?: boolean;
}

const DESCRIPTION: Readonly<Record<Verb, string>> = {
  pause: 'stop a scan from starting new items; it keeps its place',
  resume: 'let a paused scan go on where it was',
  cancel: 'end a scan, and print the account of what was done',
};

export function register(program: Command): void {
  for (const verb of VERBS) {
    program
      .command(verb)
      .description(DESCRIPTION[verb])
      .argument('<job>', 'its id, as dsx jobs lists it')
      .option('--reason <text>', 'kept with the job, for whoever looks at it')
      .option('--json', verb === 'cancel' ? 'NDJSON, the last line being the summary' : 'the answer as JSON')
      .action(async (job: string, options: ControlOptions) => {
        const interrupts = listenForInterrupts();
        try {
          const here = { stacks, env: process.env, cwd: process.cwd(), output: createOutput(), interrupts };
          process.exitCode = await control(verb, job, options, here);
        } finally {
          interrupts.close();
        }
      });
  }
}

/**
 * Steers a job; a cancelled one is followed to its account. Returns the exit code: 0 when the job did as it was told.
 * @throws CliError `no_stack` (failed), `no_such_job`, `job_ended`, … (usage)
 */
export async function control(verb: Verb, job: string, options: ControlOptions, here: Surroundings): Promise<number> {
  const { output, interrupts } = here;
  const client = clientOf(await steeredStack(job, verb, { ...here, home: dsxHome(here.env) }));
  const answer = await send(client, verb, job, options.reason);
  if (verb !== 'cancel') {
    if (options.json === true) output.out(JSON.stringify(answer));
    else output.out(`job ${job}: ${stateText(answer)}`);
    return EXIT.ok;
  }
  const reporter = options.json === true ? createJsonReporter(output) : createTextReporter(output);
  if (answer.done !== undefined) reporter.note(doneText(answer.done));
  const told = await followAndTell({ client, job, reporter, interrupts, onInterrupt: 'detach' });
  return told.ending.kind === 'ended' && told.ending.job.state === 'cancelled' ? EXIT.ok : told.exit;
}

/**
 * The stack that a job is steered by.
 * @throws CliError `no_stack` (failed), or `job_ended` (usage) when the ledger says so
 */
export async function steeredStack(
  job: string,
  what: string,
  { stacks, env, home }: Pick<Surroundings, 'stacks' | 'env'> & { readonly home: string },
): Promise<Stack> {
  const stack = await stacks.find(home);
  if (stack !== undefined) return stack;
  const known = await jobFromLedger(ledgerAt(env, home), job, 0);
  if (known !== undefined && known !== 'unfinished') {
    throw new CliError('usage', 'job_ended', `job ${job} has ended; see its account with: dsx watch ${job}`);
  }
  throw new CliError(
    'failed',
    'no_stack',
    `no stack is up, so job ${job} can't be told to ${what}; start one with: dsx up`,
  );
}

/** What a cancelled job had done when the cancel was acknowledged. */
function doneText({ listed, listingDone, counters, actions }: NonNullable<ControlJobAnswer['done']>): string {
  const items = `${count(rowsOf(counters))} of ${count(listed)} items${listingDone ? '' : ' listed so far'}`;
  return `cancelled with ${items} brought to their end and ${counted(actions.done, 'item action')} done; nothing more is scanned`;
}

async function send(client: ApiClient, verb: Verb, job: string, reason: string | undefined) {
  try {
    return await client[verb](job, reason);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw error.status === 404 ? noSuchJob(job, error) : apiError(error);
  }
}
