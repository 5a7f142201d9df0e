import type { Command } from 'commander';
import { asked } from '../job/follow.ts';
import { listLimit } from '../job/list-limit.ts';
import { gathered } from '../job/pages.ts';
import { auditText } from '../render/access.ts';
import { createOutput } from '../render/output.ts';
import { stacks } from '../stack/stacks.ts';
import { upClient } from './key.ts';
import type { Here } from './quarantine.ts';

interface AuditOptions {
  readonly limit: number;
  readonly after?: string;
  readonly actor?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('audit')
    .description('list who changed what, newest first')
    .option('--actor <name>', 'what this caller did, as key:ci')
    .option('--limit <n>', 'list at most so many entries; "all" for all', listLimit, 100)
    .option('--after <place>', 'go on where another list ended')
    .option('--json', 'one JSON object')
    .action((options: AuditOptions) => audit(options, { stacks, env: process.env, output: createOutput() }));
}

/** Prints the audit log. @throws CliError */
export async function audit(options: AuditOptions, at: Pick<Here, 'stacks' | 'env' | 'output'>): Promise<void> {
  const client = await upClient(at);
  const { actor } = options;
  const list = await gathered(options.limit, options.after, (query) =>
    asked(() => client.audit({ ...query, ...(actor !== undefined && { actor }) })),
  );
  at.output.out(options.json === true ? JSON.stringify(list) : auditText(list));
}
