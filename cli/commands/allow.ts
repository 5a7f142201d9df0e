import { type Command, InvalidArgumentError } from 'commander';
import type { AllowBody, AllowedHash } from '../../api/contract.ts';
import { isSha256, MAX_REASON } from '../../domain/allow.ts';
import type { AllowBook } from '../../ledger/allow-book.ts';
import { CliError } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { asked } from '../job/follow.ts';
import { ledgerFolder, withLedger } from '../job/from-ledger.ts';
import { listLimit } from '../job/list-limit.ts';
import { clientOf } from '../job/occasion.ts';
import { gathered } from '../job/pages.ts';
import { createOutput } from '../render/output.ts';
import { allowedLine, allowedText } from '../render/quarantine.ts';
import { styleOf } from '../render/style.ts';
import { stacks } from '../stack/stacks.ts';
import type { Here } from './quarantine.ts';

interface AllowOptions {
  readonly reason?: string;
  readonly revoke?: boolean;
  readonly limit: number;
  readonly after?: string;
  readonly json?: boolean;
}

/** Who decides where no API is asked: whoever can write the ledger of this machine. */
const LOCAL = 'local';

export function register(program: Command): void {
  program
    .command('allow')
    .description(
      'let bytes stay whatever the scanner says of them, by their SHA-256; without one, list what is allowed',
    )
    .argument('[sha256]', 'the hash of the bytes, as dsx quarantine and dsx ledger show print it', hashArgument)
    .option('--reason <text>', 'why; kept with the decision', reasonArgument)
    .option('--revoke', 'no longer let them stay')
    .option('--limit <n>', 'list at most so many hashes; "all" for all', listLimit, 100)
    .option('--after <sha256>', 'list what comes behind this hash', hashArgument)
    .option('--json', 'one JSON object')
    .action(async (sha256: string | undefined, options: AllowOptions) => {
      const here = { stacks, env: process.env, cwd: process.cwd(), output: createOutput() };
      await (sha256 === undefined ? listAllowed(options, here) : allow(sha256, options, here));
    });
}

/** Writes a decision down, and prints it. With no stack up, straight into the ledger. @throws CliError */
export async function allow(sha256: string, options: Omit<AllowOptions, 'limit'>, here: Here): Promise<void> {
  const { reason } = options;
  if (reason === undefined) {
    throw new CliError('usage', 'no_reason', 'say why with --reason: it is kept with the decision');
  }
  const body: AllowBody = { sha256, reason, ...(options.revoke === true && { revoke: true }) };
  const home = dsxHome(here.env);
  const stack = await here.stacks.find(home);
  const entry =
    stack === undefined
      ? await withLedger(ledgerFolder(here.env, home), ({ allowed }) => append(allowed, body), { create: true })
      : await asked(() => clientOf(stack).allow(body));
  if (entry === undefined) throw new CliError('failed', 'not_found', 'there is no ledger to write to');
  if (options.json === true) here.output.out(JSON.stringify(entry));
  else here.output.out(allowedLine(entry, styleOf(here.output.stdout)));
}

async function append(book: AllowBook, { sha256, reason, revoke }: AllowBody): Promise<AllowedHash> {
  const allowed = revoke !== true;
  if (!allowed && (await book.newest(sha256))?.allowed !== true) {
    throw new CliError('usage', 'not_allowed', `${sha256} is not allowed, so there is nothing to revoke`);
  }
  const { format: _, ...entry } = await book.append({ sha256, allowed, by: LOCAL, reason });
  return entry;
}

/** Prints the newest decision about each hash. @throws CliError */
export async function listAllowed(options: AllowOptions, here: Here): Promise<void> {
  const { output, env } = here;
  if (options.reason !== undefined || options.revoke === true) {
    throw new CliError('usage', 'no_hash', 'name the SHA-256 that is meant');
  }
  const home = dsxHome(env);
  const stack = await here.stacks.find(home);
  const { entries, next } =
    stack === undefined
      ? ((await withLedger(ledgerFolder(env, home), ({ allowed }) =>
          gathered(options.limit, options.after, async (query) => {
            const page = await allowed.page(query);
            return { entries: page.entries.map(({ format: _, ...entry }): AllowedHash => entry), next: page.next };
          }),
        )) ?? { entries: [] })
      : await gathered(options.limit, options.after, (query) => asked(() => clientOf(stack).allowed(query)));
  if (options.json === true) output.out(JSON.stringify({ entries, ...(next !== undefined && { next }) }));
  else output.out(allowedText(entries, next, styleOf(output.stdout)));
}

function hashArgument(text: string): string {
  const sha256 = text.trim().toLowerCase();
  if (!isSha256(sha256)) throw new InvalidArgumentError('A SHA-256: 64 hex digits.');
  return sha256;
}

function reasonArgument(text: string): string {
  if (text === '' || text.length > MAX_REASON) throw new InvalidArgumentError(`1 to ${MAX_REASON} characters.`);
  return text;
}
