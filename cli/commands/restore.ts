import type { Command } from 'commander';
import { type ApiClient, ApiError } from '../../api/client.ts';
import type { RestoreBody } from '../../api/contract.ts';
import { dsxHome } from '../home.ts';
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

export interface RestoreOptions {
  readonly findings?: readonly string[];
  readonly reason?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
  readonly idempotencyKey?: string;
}

export function register(program: Command): void {
  program
    .command('restore')
    .description('put back what a job moved, where nothing else has its name')
    .argument('<job>', 'the job that moved it, as dsx quarantine prints it')
    .option('--findings <items>', 'only these, as 0-0:3,0-1:17 (dsx quarantine prints them)', itemsArgument)
    .option('--reason <text>', 'kept with the job')
    .option('--detach', 'start the job and leave it running')
    .option('--json', 'events as NDJSON on stdout, the last line being the summary')
    .option(...KEY_OPTION)
    .action(async (job: string, options: RestoreOptions) => {
      const interrupts = listenForInterrupts();
      try {
        const here = { stacks, env: process.env, cwd: process.cwd(), output: createOutput(), interrupts };
        process.exitCode = await restore(job, options, here);
      } finally {
        interrupts.close();
      }
    });
}

/** Puts items back and tells the account; returns the exit code. With no stack up, one is started for it. @throws CliError */
export async function restore(of: string, options: RestoreOptions, here: Surroundings): Promise<number> {
  const { output, interrupts } = here;
  const say = (line: string): void => output.err(line);
  const home = dsxHome(here.env);
  const found = await here.stacks.find(home);
  const header = found === undefined ? await headerFromLedger(ledgerFolder(here.env, home), of) : undefined;
  if (found === undefined && header === undefined) throw noSuchJob(of);
  const stack = { home, env: here.env, say, skip: ['standin'] as const };
  const occasion = await openOccasion(here.stacks, found, stack, interrupts, say);
  try {
    const { findings, reason } = options;
    const body = { ...(findings !== undefined && { findings }), ...(reason !== undefined && { reason }) };
    const started = await start(occasion.client, of, body, keyOf(options));
    const reporter = options.json === true ? createJsonReporter(output) : createTextReporter(output);
    return await tellToTheEnd(occasion, started, { detach: options.detach === true, reporter, interrupts, say });
  } finally {
    await occasion.close();
  }
}

async function start(client: ApiClient, of: string, body: RestoreBody, key: { readonly idempotencyKey?: string }) {
  try {
    return await client.restore(of, body, key);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw error.code === 'job_not_found' ? noSuchJob(of, error) : apiError(error);
  }
}
