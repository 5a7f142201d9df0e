import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { exitCodeOf } from '../job/exit-code.ts';
import { noSuchJob } from '../job/follow.ts';
import { jobFromLedger, ledgerAt } from '../job/from-ledger.ts';
import { listenForInterrupts } from '../job/interrupts.ts';
import { createJsonReporter } from '../job/json-reporter.ts';
import { clientOf } from '../job/occasion.ts';
import { followAndTell } from '../job/tell.ts';
import { createTextReporter } from '../job/text-reporter.ts';
import { createOutput } from '../render/output.ts';
import { stacks } from '../stack/stacks.ts';
import type { Surroundings } from './scan.ts';

export function register(program: Command): void {
  program
    .command('watch')
    .description('follow a scan to its end and print its account; Ctrl-C leaves it running')
    .argument('<job>', 'its id, as dsx jobs lists it')
    .option('--json', 'events as NDJSON on stdout, the last line being the summary')
    .action(async (job: string, options: { json?: boolean }) => {
      const interrupts = listenForInterrupts();
      try {
        const here = { stacks, env: process.env, cwd: process.cwd(), output: createOutput(), interrupts };
        process.exitCode = await watch(job, options, here);
      } finally {
        interrupts.close();
      }
    });
}

/**
 * Follows a job; of one that has ended the account is told, also with no stack up. Returns the exit code.
 * @throws CliError
 */
export async function watch(job: string, options: { json?: boolean }, here: Surroundings): Promise<number> {
  const { output, interrupts } = here;
  const home = dsxHome(here.env);
  const stack = await here.stacks.find(home);
  const reporter = options.json === true ? createJsonReporter(output) : createTextReporter(output);
  if (stack !== undefined) {
    const client = clientOf(stack);
    const unread = (): boolean => output.closed();
    const told = await followAndTell({ client, job, reporter, interrupts, onInterrupt: 'detach', unread });
    return told.exit;
  }
  reporter.close();
  const ended = await jobFromLedger(ledgerAt(here.env, home), job, reporter.wanted);
  if (ended === undefined) throw noSuchJob(job);
  if (ended === 'unfinished') {
    const message = `no stack is up, so nothing works on job ${job}; start one with: dsx up. The job then goes on where it was`;
    throw new CliError('failed', 'no_stack', message);
  }
  reporter.account(ended.job, ended.findings);
  return exitCodeOf(ended.job);
}
