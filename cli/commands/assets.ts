import { type Command, InvalidArgumentError } from 'commander';
import type { AssetList } from '../../api/contract.ts';
import { EXIT } from '../errors.ts';
import { connectorId, inProcess, withTarget } from '../job/storage.ts';
import { assetsText } from '../render/storage.ts';
import type { Surroundings } from './scan.ts';

/** Most of one request. */
const PAGE = 1_000;

interface AssetsOptions {
  readonly limit: number;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('assets')
    .description('list what could be scanned with the credentials of a connector, as its field asset takes it')
    .argument('<connector>', 'its id, as dsx connectors lists it')
    .option('--limit <n>', 'list at most so many', limitArgument, PAGE)
    .option('--json', 'one JSON object a line')
    .action((connector: string, options: AssetsOptions) => inProcess((here) => assets(connector, options, here)));
}

/** @throws CliError */
export async function assets(text: string, options: AssetsOptions, here: Surroundings): Promise<number> {
  const { output } = here;
  return withTarget(text, here, async (client, target, signal) => {
    const id = connectorId(target);
    let left = options.limit;
    let after: string | undefined;
    let found = 0;
    do {
      const query = { limit: Math.min(PAGE, left), ...(after !== undefined && { after }) };
      const page: AssetList = await client.assets(id, query, { signal });
      found += page.assets.length;
      left -= page.assets.length;
      after = page.next;
      if (options.json === true) for (const asset of page.assets) output.out(JSON.stringify(asset));
      else if (page.assets.length > 0) output.out(assetsText(page.assets));
    } while (after !== undefined && left > 0 && !output.closed());
    if (after !== undefined)
      output.err(`there are more; show them with: dsx assets ${id} --limit ${2 * options.limit}`);
    else if (found === 0 && options.json !== true) output.out(`connector ${id} reaches nothing that could be scanned`);
    return EXIT.ok;
  });
}

function limitArgument(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number above 0.');
}
