import type { Command } from 'commander';
import { dsxHome } from '../home.ts';
import { livingState } from '../stack/leftovers.ts';
import { stacks } from '../stack/stacks.ts';

export function register(program: Command): void {
  program
    .command('down')
    .description(
      'Stops the stack: each part gracefully, then by force. What it has stored stays, and `dsx up` goes on with it.',
    )
    .action(down);
}

async function down(): Promise<void> {
  const home = dsxHome();
  const state = livingState(home);
  await stacks.stop(home);
  process.stdout.write(
    state ? `The stack in ${home}, up since ${state.since}, is down.\n` : `Nothing runs in ${home}.\n`,
  );
}
