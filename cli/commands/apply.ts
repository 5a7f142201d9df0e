import type { Command } from 'commander';
import { type ApiClient, ApiError } from '../../api/client.ts';
import type { ApplyBody } from '../../api/contract.ts';
import { dsxHome } from '../home.ts';
import { type BrakeOption, brakeArgument } from '../job/brake.ts';
import { apiError, noSuchJob } from '../job/follow.ts';
import { headerFromLedger, ledgerFolder } from '../job/from-ledger.ts';
import { listenForInterrupts } from '../job/interrupts.ts';
import { itemsArgument } from '../job/items-argument.ts';
import { createJsonReporter } from '../job/json-reporter.ts';
import { KEY_OPTION, keyOf } from '../job/key-option.ts';
import { openOccasion } from '../job/occasion.ts';
import { tellToTheEnd } from '../job/tell-to-the-end.ts';
import { createTextReporter } from '../job/text-reporter.ts';
import { createOutput } from '../render/output.ts';
import { stacks } from '../stack/stacks.ts';
import type { Surroundings } from './scan.ts';

export interface ApplyOptions {
  readonly findings?: readonly string[];
  readonly dryRun?: boolean;
  readonly maxActions?: BrakeOption;
  readonly detach?: boolean;
  readonly json?: boolean;
  readonly idempotencyKey?: string;
}

export function register(program: Command): void {
  program
    .command('apply')
    .description('carry out what a dry run planned, on files that are still as they were judged')
    .argument('<job>', 'the job of the dry run, as dsx jobs lists it')
    .option(
      '--findings <items>',
      'only these, as 0-0:3,0-1:17 (dsx ledger show JOB --actions lists them)',
      itemsArgument,
    )
    .option('--dry-run', 'tell what would be done by now, and touch nothing')
    .option(
      '--max-actions <n[/time]>',
      'at most so many actions in the time; the rest waits for approval',
      brakeArgument,
    )
    .option('--detach', 'start the job and leave it running')
    .option('--json', 'events as NDJSON on stdout, the last line being the summary')
    .option(...KEY_OPTION)
    .action(async (job: string, options: ApplyOptions) => {
      const interrupts = listenForInterrupts();
      try {
        const here = { stacks, env: process.env, cwd: process.cwd(), output: createOutput(), interrupts };
        process.exitCode = await apply(job, options, here);
      } finally {
        interrupts.close();
      }
    });
}

/** Applies a plan and tells the account; returns the exit code. With no stack up, one is started for it. @throws CliError */
export async function apply(of: string, options: ApplyOptions, here: Surroundings): Promise<number> {
  const { output, interrupts } = here;
  const say = (line: string): void => output.err(line);
  const home = dsxHome(here.env);
  const found = await here.stacks.find(home);
  const header = found === undefined ? await headerFromLedger(ledgerFolder(here.env, home), of) : undefined;
  if (found === undefined && header === undefined) throw noSuchJob(of);
  const occasion = await openOccasion(
    here.stacks,
    found,
    { home, env: here.env, say, skip: ['standin'] },
    interrupts,
    say,
  );
  try {
    const body: ApplyBody = {
      ...(options.findings !== undefined && { findings: options.findings }),
      ...(options.dryRun === true && { dryRun: true }),
      ...options.maxActions,
    };
    const started = await start(occasion.client, of, body, keyOf(options));
    const reporter = options.json === true ? createJsonReporter(output) : createTextReporter(output);
    return await tellToTheEnd(occasion, started, { detach: options.detach === true, reporter, interrupts, say });
  } finally {
    await occasion.close();
  }
}

async function start(client: ApiClient, of: string, body: ApplyBody, key: { readonly idempotencyKey?: string }) {
  try {
    return await client.apply(of, body, key);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw error.code === 'job_not_found' ? noSuchJob(of, error) : apiError(error);
  }
}
