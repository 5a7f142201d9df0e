import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { checkConfig } from '../../config/check.ts';
import { type Effective, effectiveFields, effectiveVariables } from '../../config/effective.ts';
import { problemText } from '../../config/errors.ts';
import { dotEnvOf } from '../dot-env.ts';
import { EXIT } from '../errors.ts';
import { dsxHome, ROOT } from '../home.ts';
import { visible } from '../render/names.ts';
import { createOutput, type Output } from '../render/output.ts';

/** Made by scripts/config-schema.ts. */
const SCHEMA = path.join(ROOT, 'deploy/dsx-connect.schema.json');

interface Options {
  readonly json?: boolean;
  readonly file?: string;
  readonly set?: boolean;
}
export interface Here {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly output: Output;
}

export function register(program: Command): void {
  const here = (): Here => ({ env: process.env, cwd: process.cwd(), output: createOutput() });
  const config = program
    .command('config')
    .description('check the settings, show where each comes from, or print the schema for editors; needs no stack');
  const file = ['--file <path>', 'the configuration file (default: DSX_CONFIG, or the usual places)'] as const;
  config
    .command('check')
    .description(
      'tell everything that is wrong with the variables and the file, with line and remedy; exit code 2 then',
    )
    .option(...file)
    .option('--json', 'the answer as JSON')
    .action((options: Options) => {
      process.exitCode = check(options, here());
    });
  config
    .command('show')
    .description('list every setting as it is in force, and where it comes from; secrets are not shown')
    .option(...file)
    .option('--set', 'only what somebody set')
    .option('--json', 'the list as JSON')
    .action((options: Options) => {
      process.exitCode = show(options, here());
    });
  config
    .command('schema')
    .description('print the JSON Schema of dsx-connect.yaml')
    .action(() => {
      process.exitCode = schema(here());
    });
}

/** Returns the exit code: 2 when something is wrong. */
export function check(options: Options, { env, output }: Here): number {
  const checked = checkConfig(environment(env, options));
  if (options.json === true) {
    output.out(JSON.stringify({ ok: checked.problems.length === 0, ...checked }, undefined, 2));
  } else {
    for (const problem of checked.problems) output.out(`wrong    ${visible(problemText(problem))}`);
    for (const warning of checked.warnings) output.out(`warning  ${visible(warning)}`);
    const from = checked.file === undefined ? 'no configuration file' : visible(checked.file);
    const count = checked.problems.length;
    if (count === 0) output.out(`ok       ${from}, ${checked.connectors} connector(s)`);
    else output.err(`${count} problem${count === 1 ? '' : 's'}; nothing would start`);
  }
  return checked.problems.length === 0 ? EXIT.ok : EXIT.usage;
}

/** Returns the exit code: 2 when the settings are none that anything would start with; they are listed all the same. */
export function show(options: Options, { env, cwd, output }: Here): number {
  const given = environment(env, options);
  const { file, problems } = checkConfig(given);
  const all = [
    ...effectiveVariables(env, dotEnvOf([cwd, ROOT], env)),
    ...(file === undefined ? [] : effectiveFields(file)),
  ];
  const shown = options.set === true ? all.filter(({ origin }) => origin !== 'default') : all;
  if (options.json === true) output.out(JSON.stringify({ settings: shown }, undefined, 2));
  else for (const setting of shown) output.out(settingLine(setting));
  if (problems.length > 0) output.err('something is wrong with these settings: see dsx config check');
  return problems.length === 0 ? EXIT.ok : EXIT.usage;
}

/** Returns the exit code. */
export function schema({ output }: Pick<Here, 'output'>): number {
  output.out(readFileSync(SCHEMA, 'utf8').trimEnd());
  return EXIT.ok;
}

function settingLine({ name, value, origin, where, alias }: Effective): string {
  const from = origin === 'environment' ? 'environment' : (where ?? origin);
  const old = alias === undefined ? '' : `, as ${alias}`;
  return `${name} = ${value === '' ? '(not set)' : visible(value)}  [${visible(from)}${old}]`;
}

/** The environment as the processes of this home have it. */
function environment(env: Here['env'], { file }: Options): NodeJS.ProcessEnv {
  const named = file === undefined ? {} : { DSX_CONFIG: path.resolve(file) };
  return { ...env, DSX_HOME: dsxHome(env), ...named } as NodeJS.ProcessEnv;
}
