import { type Command, Option } from 'commander';
import { ITEM_ACTIONS, type ItemAction } from '../../domain/action.ts';
import { EXIT } from '../errors.ts';
import { inProcess, namedOf, targetText, withTarget } from '../job/storage.ts';
import { checkText } from '../render/storage.ts';
import { styleOf } from '../render/style.ts';
import type { Surroundings } from './scan.ts';

interface CheckOptions {
  readonly action?: ItemAction;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('check')
    .description('try, where the storage is reached, what a scan needs and what its item action needs; nothing stays')
    .argument('<folder or connector>', 'a path (with a /, or of something that exists), else the id of a connector')
    .addOption(
      new Option(
        '--action <action>',
        'the item action to try for (default: nothing; for a connector, its own)',
      ).choices(ITEM_ACTIONS),
    )
    .option('--json', 'the answer as JSON')
    .action((target: string, options: CheckOptions) => inProcess((here) => check(target, options, here)));
}

/** @throws CliError */
export async function check(text: string, options: CheckOptions, here: Surroundings): Promise<number> {
  const { output } = here;
  return withTarget(text, here, async (client, target, signal) => {
    const answer = await client.check(namedOf(target), options.action, { signal });
    if (options.json === true) output.out(JSON.stringify(answer));
    else output.out(checkText(targetText(target), answer, styleOf(output.stdout)));
    return answer.ok ? EXIT.ok : EXIT.failed;
  });
}
