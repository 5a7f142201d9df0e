import type { Command } from 'commander';
import { EXIT } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { readReport } from '../stack/report.ts';
import { printReport } from '../stack/report-text.ts';

export function register(program: Command): void {
  program
    .command('status')
    .description(
      'Says what of the stack is up, where, since when, and what is wrong.\nExit code 0 when all is well, 5 when something is wrong or nothing runs.',
    )
    .option('--json', 'print it as JSON')
    .action(status);
}

async function status(options: { readonly json?: boolean }): Promise<void> {
  const report = await readReport(dsxHome());
  if (options.json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else printReport(report);
  process.exitCode = report.up && report.problems.length === 0 ? EXIT.ok : EXIT.failed;
}
