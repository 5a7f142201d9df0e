import type { Command } from 'commander';
import type { ApplyBody } from '../../api/contract.ts';
import { type BrakeOption, brakeArgument } from '../job/brake.ts';
import { followUp } from '../job/follow-up.ts';
import { listenForInterrupts } from '../job/interrupts.ts';
import { itemsArgument } from '../job/items-argument.ts';
import { KEY_OPTION, keyOf } from '../job/key-option.ts';
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

/** Applies a plan and tells the account; returns the exit code. @throws CliError as `followUp` does */
export async function apply(of: string, options: ApplyOptions, here: Surroundings): Promise<number> {
  const { findings, dryRun, maxActions } = options;
  const body: ApplyBody = {
    ...(findings !== undefined && { findings }),
    ...(dryRun === true && { dryRun }),
    ...maxActions,
  };
  return followUp(of, options, here, (client) => client.apply(of, body, keyOf(options)));
}
