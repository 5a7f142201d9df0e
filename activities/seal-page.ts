import { Context } from '@temporalio/activity';
import { type Counters, countRows, noCounters, type OutcomeRow } from '../domain/outcome.ts';
import { countReplaced } from '../domain/retry.ts';
import { LedgerError } from '../ledger/errors.ts';
import type { JobLedger } from '../ledger/ledger.ts';
import type { ObjectRef, PageResult } from '../ledger/types.ts';
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
    ...(input.retry === true && { replaced: await replacedBy(ledger, entry.object, rows) }),
    ...(rows.length < entry.items && { partial: true }),
  };
}

/** Only items that have their row replace another one. */
async function replacedBy(ledger: JobLedger, page: ObjectRef, rows: readonly OutcomeRow[]): Promise<Counters> {
  if (rows.length === 0) return noCounters();
  const items = await ledger.readPage(page);
  return countReplaced(rows.map((row) => items[ordinal(row.item)]));
}

function ordinal(item: string): number {
  return Number(item.slice(item.indexOf(':') + 1));
}
