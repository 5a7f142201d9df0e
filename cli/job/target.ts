import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { systemCode } from '../../domain/errors.ts';
import { CliError } from '../errors.ts';
import { visible } from '../render/names.ts';

/** What is to be scanned: a folder (or a single file) by its real path, or a connector by its id. */
export type Target =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'connector'; readonly id: string };

/**
 * A target that exists as a path, contains a `/`, or is `.` or `..` is a folder; anything else is the id of a connector.
 * @throws CliError (usage) when a folder is meant that is not there, or is neither a folder nor a file
 */
export async function resolveTarget(text: string, cwd: string): Promise<Target> {
  const path = resolve(cwd, text);
  const meant = text.includes('/') || text === '.' || text === '..';
  if (text === '') throw new CliError('usage', 'no_target', 'name a folder or a connector to scan');
  let real: string;
  try {
    real = await realpath(path);
    const facts = await stat(real);
    if (!facts.isDirectory() && !facts.isFile()) {
      throw new CliError('usage', 'not_a_folder', `${visible(path)} is neither a folder nor a file`);
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (systemCode(error) === 'ENOENT' && !meant) return { kind: 'connector', id: text };
    throw new CliError('usage', 'no_such_folder', `${visible(path)} can't be scanned: ${whyNot(error)}`, {
      cause: error,
    });
  }
  return { kind: 'folder', path: real };
}

/** Before a stack is started for it: the configuration has a connector of this id. @throws CliError `connector_not_found` (usage) */
export function expectConnector(configured: readonly { readonly id: string }[], id: string): void {
  if (configured.some((connector) => connector.id === id)) return;
  const known = configured.map((connector) => connector.id).join(', ');
  const help = known === '' ? 'none is configured' : `configured: ${known}`;
  const message = `there is no folder and no connector ${visible(id)}; ${help}`;
  throw new CliError('usage', 'connector_not_found', message);
}

/**
 * The quarantine as the API takes it: absolute for a folder, as given for a connector.
 * @throws CliError (usage) when it would hold the whole folder, or is something else than a folder
 */
export async function resolveQuarantine(text: string, target: Target, cwd: string): Promise<string> {
  if (text === '') throw new CliError('usage', 'bad_quarantine', '--quarantine needs a folder');
  if (target.kind === 'connector') return text;
  const path = await realAsFarAsThere(isAbsolute(text) ? resolve(text) : resolve(cwd, text));
  if (path === target.path || `${target.path}/`.startsWith(path === '/' ? '/' : `${path}/`)) {
    const how = path === target.path ? 'is the folder itself' : 'contains the folder';
    throw new CliError(
      'usage',
      'bad_quarantine',
      `the quarantine ${visible(path)} ${how}, so nothing would be scanned`,
    );
  }
  const facts = await stat(path).catch(() => undefined);
  if (facts !== undefined && !facts.isDirectory()) {
    throw new CliError('usage', 'bad_quarantine', `the quarantine ${visible(path)} is not a folder`);
  }
  return path;
}

/** Resolves links in the part of the path that is there. */
async function realAsFarAsThere(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const parent = dirname(path);
    if (systemCode(error) !== 'ENOENT' || parent === path) {
      throw new CliError('usage', 'bad_quarantine', `${visible(path)}: ${whyNot(error)}`, { cause: error });
    }
    return join(await realAsFarAsThere(parent), path.slice(parent.length).replace(/^\//, ''));
  }
}

function whyNot(error: unknown): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return 'it does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ENOTDIR':
      return 'a part of the path is not a folder';
    case 'ELOOP':
      return 'its links lead in a circle';
    case 'ENAMETOOLONG':
      return 'the name is too long';
    default:
      return String(error);
  }
}
