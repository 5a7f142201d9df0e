import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { systemCode } from '../domain/errors.ts';
import type { ConfigProblem } from './errors.ts';
import { Secret } from './secret.ts';

/** Where a file was named, for the message. */
export type NamedBy = Pick<ConfigProblem, 'variable' | 'file' | 'line' | 'field'>;

/** Largest secret file that is read, in bytes. */
const MAX_SECRET_BYTES = 64 * 1024;

/** The problem of a file that can't be read, or undefined if it can. */
export function unreadable(path: string, by: NamedBy): ConfigProblem | undefined {
  try {
    accessSync(path, constants.R_OK);
    if (statSync(path).isFile()) return undefined;
    return { code: 'unreadable_file', ...by, text: `${path} is not a file; name a file` };
  } catch (error) {
    return { code: 'unreadable_file', ...by, text: unreadableText(path, error) };
  }
}

function unreadableText(path: string, error: unknown): string {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return `there is no file ${path}; create it or correct the path`;
  if (code === 'EACCES' || code === 'EPERM')
    return `${path} may not be read by this user; give it the right to read it`;
  return `${path} can't be read (${code ?? 'unknown error'})`;
}

/**
 * The secret in a file, without the line end. Refused: unreadable, empty, several lines, shorter than `least` characters,
 * or anything but visible ASCII (it travels in a header).
 */
export function readSecret(path: string, by: NamedBy, least = 1): Secret | ConfigProblem {
  const problem = unreadable(path, by);
  if (problem !== undefined) return problem;
  const refuse = (text: string): ConfigProblem => ({ code: 'unreadable_file', ...by, text });
  let value: string;
  try {
    if (statSync(path).size > MAX_SECRET_BYTES)
      return refuse(`${path} is larger than ${MAX_SECRET_BYTES} bytes; is it the right file?`);
    value = readFileSync(path, 'utf8').trim();
  } catch (error) {
    return refuse(unreadableText(path, error));
  }
  if (value === '') return refuse(`${path} is empty; put the secret into it`);
  if (!/^[\x21-\x7e]+$/.test(value))
    return refuse(`${path} must hold one line of visible ASCII characters without spaces`);
  if (value.length < least) {
    return refuse(
      `${path} holds ${value.length} characters, at least ${least} are needed; make one with: openssl rand -hex 32`,
    );
  }
  return new Secret(value);
}
