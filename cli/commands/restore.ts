import type { Command } from 'commander';
import type { RestoreBody } from '../../api/contract.ts';
import { followUp } from '../job/follow-up.ts';
import { listenForInterrupts } from '../job/interrupts.ts';
import { itemsArgument } from '../job/items-argument.ts';
import { KEY_OPTION, keyOf } from '../job/key-option.ts';
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

/** Puts items back and tells the account; returns the exit code. @throws CliError as `followUp` does */
export async function restore(of: string, options: RestoreOptions, here: Surroundings): Promise<number> {
  const { findings, reason } = options;
  const body: RestoreBody = { ...(findings !== undefined && { findings }), ...(reason !== undefined && { reason }) };
  return followUp(of, options, here, (client) => client.restore(of, body, keyOf(options)));
}
