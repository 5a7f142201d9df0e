import { readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import { ROOT } from '../home.ts';

interface Bench {
  /** @returns the exit code */
  default(args: string[]): Promise<number>;
}

export function register(program: Command): void {
  program.enablePositionalOptions();
  program
    .command('bench')
    .description(`Runs a benchmark: ${names().join(', ') || 'there is none'}.`)
    .argument('<name>', 'which one')
    .argument('[args...]', 'what it is given')
    .allowUnknownOption()
    .passThroughOptions()
    .action(bench);
}

function names(): string[] {
  return readdirSync(path.join(ROOT, 'bench'), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => entry.name.slice(0, -'.ts'.length))
    .sort();
}

async function bench(name: string, args: string[]): Promise<void> {
  if (!names().includes(name)) {
    throw new CliError(
      'usage',
      'unknown_bench',
      `no benchmark ${JSON.stringify(name)}; there are: ${names().join(', ') || 'none'}`,
    );
  }
  const file = pathToFileURL(path.join(ROOT, 'bench', `${name}.ts`)).href;
  const module = (await import(file)) as Bench;
  process.exitCode = await module.default(args);
}
