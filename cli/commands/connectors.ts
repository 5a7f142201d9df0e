import type { Command } from 'commander';
import { ApiError } from '../../api/client.ts';
import type { ConnectorResource } from '../../api/contract.ts';
import { EXIT } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { apiError } from '../job/follow.ts';
import { clientOf } from '../job/occasion.ts';
import { readSettings } from '../job/settings.ts';
import { inProcess } from '../job/storage.ts';
import { connectorsTable } from '../render/storage.ts';
import { styleOf } from '../render/style.ts';
import type { Surroundings } from './scan.ts';

export function register(program: Command): void {
  program
    .command('connectors')
    .description('list the connectors: of the running stack, else of the configuration file')
    .option('--json', 'one JSON object a line')
    .action((options: { readonly json?: boolean }) => inProcess((here) => connectors(options, here)));
}

/** @throws CliError */
export async function connectors(
  options: { readonly json?: boolean },
  { stacks, env, output }: Pick<Surroundings, 'stacks' | 'env' | 'output'>,
): Promise<number> {
  const home = dsxHome(env);
  const stack = await stacks.find(home);
  let found: readonly ConnectorResource[];
  try {
    found = stack === undefined ? fromFile(readSettings(env, home)) : (await clientOf(stack).connectors()).connectors;
  } catch (error) {
    throw error instanceof ApiError ? apiError(error) : error;
  }
  if (stack === undefined) output.err('no stack is up: this is what the configuration says');
  if (options.json === true) {
    for (const connector of found) output.out(JSON.stringify(connector));
  } else if (found.length === 0) {
    output.out(
      'no connectors yet; write them into dsx-connect.yaml, make one with dsx connector create, or scan a folder with dsx scan FOLDER',
    );
  } else {
    output.out(connectorsTable(found, styleOf(output.stdout)));
  }
  return EXIT.ok;
}

function fromFile({ connectors: all }: ReturnType<typeof readSettings>): ConnectorResource[] {
  return all.map(
    ({ id, kind, site, asset, filter, action, quarantine, maxSize, maxActions, maxActionsWindow, watch }) => ({
      id,
      kind,
      ...(site !== undefined && { site }),
      asset,
      filter,
      action,
      ...(quarantine !== undefined && { quarantine }),
      dryRun: false,
      ...(maxSize !== undefined && { maxSize }),
      ...(maxActions !== undefined && { maxActions }),
      ...(maxActionsWindow !== undefined && { maxActionsWindow }),
      ...(watch !== undefined && { watched: true as const }),
    }),
  );
}
