import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = path.join(import.meta.dirname, 'run-as-nobody.ts');

/** Does an errand (see `run-as-nobody.ts`) without root's rights, under further limits of the shell if given. */
export async function asNobody(
  errand: Record<string, unknown>,
  limits = '',
): Promise<{ answer?: never; error?: string; message?: string }> {
  const command = `${limits} exec "$0" "$@"`;
  const { stdout } = await run('/bin/sh', ['-c', command, process.execPath, script, JSON.stringify(errand)]);
  return JSON.parse(stdout);
}
