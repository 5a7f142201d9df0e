import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { ROOT } from '../home.ts';

interface Options {
  readonly seed: number;
  readonly kills: number;
  readonly items: number;
  readonly workers: number;
  readonly keep?: boolean;
  readonly json?: boolean;
}

interface Chaos {
  /** @returns the exit code */
  default(given: Required<Options>): Promise<number>;
}

export function register(program: Command): void {
  program
    .command('chaos')
    .description(
      'Scans generated folders while everything is killed, frozen and cut off, and proves the accounts afterwards.',
    )
    .option('--seed <number>', 'what the folders and the faults follow from', whole(0, 2 ** 31), 1)
    .option('--kills <number>', 'faults in all', whole(1, 10_000), 100)
    .option('--items <number>', 'files of each folder', whole(1, 1_000_000), 6_000)
    .option('--workers <number>', 'worker processes', whole(1, 16), 2)
    .option('--keep', 'leave the folders, the ledger and the logs')
    .option('--json', 'the result as one line of JSON on stdout')
    .action(async (options: Options) => {
      const file = pathToFileURL(path.join(ROOT, 'bench/chaos/main.ts')).href;
      const module = (await import(file)) as Chaos;
      process.exitCode = await module.default({ keep: false, json: false, ...options });
    });
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
