import { rowsOf } from '../../../domain/outcome.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import { verifyJob } from '../../../ledger/verify.ts';
import type { Pusher } from './pusher.ts';

/** What the ledger has of what was pushed. */
export interface PushAccount {
  readonly jobs: number;
  readonly rows: number;
  /** Acknowledged files without a row, and with more than one. */
  readonly missing: number;
  readonly twice: number;
  /** Files that were not acknowledged, and have a row all the same. */
  readonly unasked: number;
  readonly clean: number;
  readonly wrong: readonly string[];
}

/** Holds the ledgers of these jobs against what was acknowledged. */
export async function accountOf(ledger: Ledger, jobs: readonly string[], pusher: Pusher): Promise<PushAccount> {
  const wrong: string[] = [];
  const counts = new Map<string, number>();
  let rows = 0;
  let clean = 0;
  for (const id of jobs) {
    const job = ledger.job(id);
    const head = await job.head();
    const report = await verifyJob(job, { root: head?.hash ?? '' });
    if (!report.authentic || report.problems.length > 0) wrong.push(`the ledger of ${id} is not authentic`);
    for (const { code, object, message } of report.problems.slice(0, 3)) wrong.push(`${code} ${object}: ${message}`);
    const account = head?.body.account;
    let own = 0;
    for await (const { body } of job.commits()) {
      for (const { segment } of body.pages) {
        for (const { location, outcome } of await job.readSegment(segment)) {
          own += 1;
          if (outcome === 'clean') clean += 1;
          counts.set(location, (counts.get(location) ?? 0) + 1);
        }
      }
    }
    if (account?.listed !== own || rowsOf(account.counters) !== own) {
      wrong.push(`${id} listed ${account?.listed} and has ${own} rows`);
    }
    rows += own;
  }
  let missing = 0;
  let twice = 0;
  for (const location of pusher.acknowledged) {
    const count = counts.get(location) ?? 0;
    if (count === 0) missing += 1;
    if (count > 1) twice += 1;
  }
  const unasked = [...counts.keys()].filter((location) => !pusher.acknowledged.has(location)).length;
  return { jobs: jobs.length, rows, missing, twice, unasked, clean, wrong };
}
