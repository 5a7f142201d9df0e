import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const FLAGS = ['--quiet', '--no-input', '--no-user', '--no-deps', '--only-binary', ':all:', '--require-hashes'];

/**
 * Installs what a file pins by hash into a folder, whatever virtual environment is demanded otherwise.
 * @param more further flags of `pip install`
 * @throws Error naming what pip said
 */
export async function installPinned(pins: string, folder: string, more: readonly string[] = []): Promise<void> {
  await run('python3', ['-m', 'pip', 'install', ...FLAGS, ...more, '--target', folder, '-r', pins], {
    env: { ...process.env, PIP_REQUIRE_VIRTUALENV: '0' },
  });
}
