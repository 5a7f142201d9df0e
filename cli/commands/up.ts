import type { Command } from 'commander';
import { dsxHome } from '../home.ts';
import type { StackOptions } from '../stack/contract.ts';
import { parseParts } from '../stack/plan.ts';
import { readReport } from '../stack/report.ts';
import { printReport } from '../stack/report-text.ts';
import { stacks } from '../stack/stacks.ts';

interface UpOptions {
  readonly only?: string;
  readonly skip?: string;
  readonly workers?: string;
}

export function register(program: Command): void {
  program
    .command('up')
    .description(
      'Starts the parts of the stack on this machine, on loopback, and keeps them running until `dsx down`.\n' +
        'TEMPORAL_ADDRESS, REDIS_URL and DSXA_SCANNER_URL, when set, are used instead of starting that part.',
    )
    .option('--only <parts>', 'start only these, as temporal,valkey,standin,worker,api')
    .option('--skip <parts>', 'start all but these')
    .option('--workers <number>', 'how many worker processes', '1')
    .action(up);
}

async function up(options: UpOptions): Promise<void> {
  const home = dsxHome();
  const chosen: Partial<StackOptions> = {
    ...(options.only === undefined ? {} : { only: parseParts('--only', options.only) }),
    ...(options.skip === undefined ? {} : { skip: parseParts('--skip', options.skip) }),
    workers: Number(options.workers),
  };
  await stacks.start({
    ...chosen,
    home,
    env: process.env,
    standing: true,
    say: (line) => process.stderr.write(`dsx: ${line}\n`),
  });
  printReport(await readReport(home));
  process.stdout.write('\n`dsx status` says how it is, `dsx down` ends it.\n');
}
