import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { messageOf, systemCode } from '../domain/errors.ts';
import { CliError } from './errors.ts';

/**
 * Adds what the `.env` files of `folders` name to `env`. What is set already wins, and so does an earlier folder; a variable
 * that is set to nothing counts as set. The files are parsed, never run.
 *
 * @throws CliError `unreadable_env_file`
 */
export function loadDotEnv(folders: readonly string[], env: Record<string, string | undefined> = process.env): void {
  for (const file of new Set(folders.map((folder) => path.join(folder, '.env')))) {
    for (const [name, value] of Object.entries(parse(file))) {
      if (env[name] === undefined) env[name] = value;
    }
  }
}

/** The first of these folders whose `.env` file gave a variable the value that it has. */
export function dotEnvOf(
  folders: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): (name: string) => string | undefined {
  const files = [...new Set(folders.map((folder) => path.join(folder, '.env')))].map(
    (file) => [file, parse(file)] as const,
  );
  return (name) => files.find(([, values]) => values[name] !== undefined && values[name] === env[name])?.[0];
}

function parse(file: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (error) {
    const code = systemCode(error);
    // A folder of that name is somebody's virtual environment.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return {};
    throw new CliError('usage', 'unreadable_env_file', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}
