import { Context } from '@temporalio/activity';
import { countRows } from '../domain/outcome.ts';
import { LedgerError } from '../ledger/errors.ts';
import type { PageResult } from '../ledger/types.ts';
import type { OrchestratorDeps } from './deps.ts';
import { withPulse } from './pulse.ts';
import type { SealPageInput } from './types.ts';
import { writerOf } from './writer.ts';

/**
 * Closes a page that will not be scanned any further with the rows it has: what a cancelled job did is accounted for.
 * @throws LedgerError
 */
export function createSealPage(deps: OrchestratorDeps): (input: SealPageInput) => Promise<PageResult> {
  return (input) => withPulse(() => seal(deps, input));
}

async function seal(deps: OrchestratorDeps, input: SealPageInput): Promise<PageResult> {
  const ledger = deps.ledger.job(input.job);
  const entry = (await ledger.readIndex(input.index)).pages.find((page) => page.page === input.page);
  if (entry === undefined)
    throw new LedgerError('corrupt', input.index.name, `Index ${input.index.name} does not name page ${input.page}.`);
  const part = input.checkpoint?.part;
  const rows = part === undefined ? [] : await ledger.readParts(part);
  rows.sort((a, b) => ordinal(a.item) - ordinal(b.item));
  const segment = await ledger.writeSegment(input.page, rows, writerOf(Context.current().info));
  return {
    page: input.page,
    listing: entry.object,
    items: entry.items,
    segment,
    counters: countRows(rows),
    ...(rows.length < entry.items && { partial: true }),
  };
}

function ordinal(item: string): number {
  return Number(item.slice(item.indexOf(':') + 1));
}
