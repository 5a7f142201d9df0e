import type { Command } from 'commander';
import { folderSourceId, isFolderSourceId } from '../../domain/source.ts';
import { pageQuarantine } from '../../ledger/quarantine.ts';
import { type QuarantinedItem, quarantinedItem } from '../../ledger/quarantined-item.ts';
import { dsxHome } from '../home.ts';
import { asked } from '../job/follow.ts';
import { ledgerFolder, withLedger } from '../job/from-ledger.ts';
import { listLimit } from '../job/list-limit.ts';
import { clientOf } from '../job/occasion.ts';
import { gathered, type ListPage } from '../job/pages.ts';
import { resolveTarget } from '../job/target.ts';
import { createOutput, type Output } from '../render/output.ts';
import { quarantineText } from '../render/quarantine.ts';
import { styleOf } from '../render/style.ts';
import type { Stacks } from '../stack/contract.ts';
import { stacks } from '../stack/stacks.ts';

interface QuarantineOptions {
  readonly limit: number;
  readonly after?: string;
  readonly json?: boolean;
}

export interface Here {
  readonly stacks: Stacks;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly output: Output;
}

export function register(program: Command): void {
  program
    .command('quarantine')
    .description('list what item actions moved and nobody put back; also with no stack running')
    .argument('[source]', 'a folder or a connector; without it, all')
    .option('--limit <n>', 'list at most so many items; "all" for all', listLimit, 100)
    .option('--after <place>', 'go on where another list ended')
    .option('--json', 'one JSON object')
    .action((source: string | undefined, options: QuarantineOptions) =>
      quarantine(source, options, { stacks, env: process.env, cwd: process.cwd(), output: createOutput() }),
    );
}

/** Prints what is in quarantine. @throws CliError */
export async function quarantine(source: string | undefined, options: QuarantineOptions, here: Here): Promise<void> {
  const { env, output } = here;
  const home = dsxHome(env);
  const of = source === undefined ? {} : { source: await sourceId(source, here.cwd) };
  const stack = await here.stacks.find(home);
  const list = (read: (query: { limit: number; after?: string }) => Promise<ListPage<QuarantinedItem>>) =>
    gathered(options.limit, options.after, read);
  if (stack === undefined) output.err('no stack is up: this is what the ledger says');
  const { entries, next } =
    stack === undefined
      ? ((await withLedger(ledgerFolder(env, home), (ledger) =>
          list(async (query) => {
            const page = await pageQuarantine(ledger, { ...query, ...of });
            return { entries: page.items.map(quarantinedItem), next: page.next };
          }),
        )) ?? { entries: [] })
      : await list((query) =>
          asked(async () => {
            const page = await clientOf(stack).quarantine({ ...query, ...of });
            return { entries: page.items, next: page.next };
          }),
        );
  if (options.json === true) output.out(JSON.stringify({ items: entries, ...(next !== undefined && { next }) }));
  else output.out(quarantineText(entries, next, styleOf(output.stdout)));
}

/** Of a folder its id as a source, also of one that is no longer there under its id; anything else is an id already. */
async function sourceId(text: string, cwd: string): Promise<string> {
  if (isFolderSourceId(text)) return text;
  const target = await resolveTarget(text, cwd);
  return target.kind === 'connector' ? target.id : folderSourceId(target.path);
}
