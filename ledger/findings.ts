import type { OutcomeRow } from '../domain/outcome.ts';
import type { JobLedger } from './job-ledger.ts';
import { pageOutcomes } from './outcomes.ts';
import type { ObjectRef } from './types.ts';

/** The outcomes that are findings. */
export const FINDING_OUTCOMES = ['malicious', 'policy_blocked'] as const;
const STEP = 500;

export function isFinding({ outcome }: OutcomeRow): boolean {
  return (FINDING_OUTCOMES as readonly string[]).includes(outcome);
}

/**
 * The findings that a job's commits count, in steps of at most 500.
 * @throws LedgerError `corrupt`, `not_found`, `not_readable`, `unavailable`
 */
export async function* findingsOf(job: JobLedger): AsyncGenerator<OutcomeRow[], void, void> {
  for (const outcome of FINDING_OUTCOMES) {
    let after: string | undefined;
    do {
      const page = await pageOutcomes(job, { outcome, limit: STEP, ...(after !== undefined && { after }) });
      if (page.rows.length > 0) yield [...page.rows];
      after = page.next;
    } while (after !== undefined);
  }
}

/** The findings of segments that no commit names yet. */
export async function* findingsIn(
  job: JobLedger,
  segments: readonly ObjectRef[],
): AsyncGenerator<OutcomeRow[], void, void> {
  for (const segment of segments) {
    const found = (await job.readSegment(segment)).filter(isFinding);
    if (found.length > 0) yield found;
  }
}
