import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { messageOf, systemCode } from '../../domain/errors.ts';
import { CliError } from '../errors.ts';

const REMEDY = 'set DSX_HOME to a folder that you can write';

/** Makes the home, for its owner alone. @throws CliError that says what is wrong with it */
export function prepareHome(home: string): void {
  try {
    makeFolders(home);
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new CliError('failed', 'bad_home', `cannot keep state in ${shorten(home)}: ${explain(error)}: ${REMEDY}`, {
      cause: error,
    });
  }
}

/** Node's own recursive `mkdirSync` never returns where a file system such as `/proc` denies that the parent exists. */
function makeFolders(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return;
    if (code !== 'ENOENT' || path.dirname(folder) === folder) throw error;
    makeFolders(path.dirname(folder));
    mkdirSync(folder, { mode: 0o700 });
  }
}

function explain(error: unknown): string {
  switch (systemCode(error)) {
    case 'ENAMETOOLONG':
      return 'the path is too long';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full';
    case 'EROFS':
      return 'it is on a disk that is read-only';
    case 'EACCES':
    case 'EPERM':
      return 'it may not be written by this user';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'a file is in the way';
    default:
      return messageOf(error);
  }
}

function shorten(home: string): string {
  return home.length > 200 ? `${home.slice(0, 100)}…${home.slice(-40)} (${home.length} characters)` : home;
}
