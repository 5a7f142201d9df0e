import { addCounters, noCounters, type OutcomeRow } from '../../domain/outcome.ts';
import { isLedgerError } from '../errors.ts';
import { type ClosedPage, viewOf } from '../job-view.ts';
import type { JobLedger, Ledger } from '../ledger.ts';
import { corrupt } from '../ndjson.ts';
import { endedMember } from '../retry-chain.ts';
import { sameCounters } from '../verify-listing.ts';
import type { HeededJob } from './find-baseline.ts';

/** A job whose rows are heeded, its ledger proven up to the root: header, commits, indexes, and the sums of the page results. */
export interface OpenedJob extends HeededJob {
  readonly ledger: JobLedger;
  /** Pages of its listing that are read beside the new one. */
  readonly streamed: readonly ClosedPage[];
  /** Pages whose rows are held in memory. */
  readonly held: readonly ClosedPage[];
}

/** @throws LedgerError `corrupt` when it is not the ledger that was chosen, `not_found` when it is gone */
export async function openHeeded(ledger: Pick<Ledger, 'job'>, heeded: HeededJob): Promise<OpenedJob> {
  const job = ledger.job(heeded.job);
  const view = await viewOf(job);
  if (heeded.root !== undefined) {
    const member = await endedMember(job);
    if (member?.root !== heeded.root || view.head !== heeded.root) {
      throw corrupt(`${heeded.job}/commits/`, `it was chosen with the root ${heeded.root}, and that is not its end`);
    }
    const sum = view.closed.reduce((total, page) => addCounters(total, page.counters), noCounters());
    if (!sameCounters(sum, member.account.counters)) {
      throw corrupt(`${heeded.job}/commits/`, 'the account does not agree with the pages that were closed');
    }
  }
  // What item actions listed again lies in lanes of its own, in no order.
  const streamed = heeded.ordered ? view.closed.filter(({ lane }) => lane === 0) : [];
  const held = heeded.ordered ? view.closed.filter(({ lane }) => lane > 0) : view.closed;
  return { ...heeded, ledger: job, streamed, held };
}

/** The rows of a closed page, by reference. @throws LedgerError */
export async function rowsIn(job: JobLedger, page: ClosedPage): Promise<OutcomeRow[]> {
  return (await job.objects.lines(page.segment, 'segments', page.page)).lines.values<OutcomeRow>();
}

/** Whether ledgers that rows name as the ones of their judgement are there still, each looked for once. */
export class Originals {
  readonly #ledger: Pick<Ledger, 'job'>;
  readonly #known = new Map<string, Promise<boolean>>();

  constructor(ledger: Pick<Ledger, 'job'>) {
    this.#ledger = ledger;
  }

  has(job: string, root: string): Promise<boolean> {
    const key = `${job} ${root}`;
    const found = this.#known.get(key) ?? this.#look(job, root);
    this.#known.set(key, found);
    return found;
  }

  async #look(job: string, root: string): Promise<boolean> {
    try {
      return (await endedMember(this.#ledger.job(job)))?.root === root;
    } catch (error) {
      if (isLedgerError(error, 'corrupt') || isLedgerError(error, 'not_found')) return false;
      throw error;
    }
  }
}
