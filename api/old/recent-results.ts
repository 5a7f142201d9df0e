import { isLedgerError } from '../../ledger/errors.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import { latestActions, newestRows } from '../../ledger/newest-rows.ts';
import { MAX_ROWS } from '../../ledger/outcomes.ts';
import type { ApiDeps } from '../deps.ts';
import { isJobId } from '../request-schemas.ts';
import { isResult, resultOf, type ScanResult } from './results.ts';

/** Most results of one answer: what the former product kept. */
export const MOST_RESULTS = MAX_ROWS;
/** Jobs that are looked at for the newest results, newest first. */
const MOST_JOBS = 50;

/**
 * The newest results that nobody cleared, newest first: of one job, or of the newest 50. A job whose ledger is damaged is left out.
 * @throws LedgerError
 */
export async function recentResults(
  deps: ApiDeps,
  { limit, job }: { readonly limit: number; readonly job?: string | undefined },
): Promise<ScanResult[]> {
  if (limit === 0 || (job !== undefined && !isJobId(job))) return [];
  const ledger = await deps.ledger.open();
  const cleared = await ledger.cleared.read('results');
  const wanted = job === undefined ? (await ledger.starts()).slice(0, MOST_JOBS).map((start) => start.job) : [job];
  let results: ScanResult[] = [];
  for (const id of wanted) {
    const until = cleared.of(id);
    const oldest = results.length < limit ? undefined : results.at(-1)?.at;
    try {
      results = results.concat(await ofJob(deps, ledger.job(id), limit, until, oldest));
    } catch (error) {
      if (!isLedgerError(error, 'corrupt')) throw error;
      deps.log.warn({ job: id, code: error.code }, `results: ${error.message}`);
    }
    results = results.sort((a, b) => b.id - a.id).slice(0, Math.min(limit, MOST_RESULTS));
  }
  return results;
}

/** @param oldest rows that are older can't be among the newest: a job that ended before is not read */
async function ofJob(
  deps: ApiDeps,
  ledger: JobLedger,
  limit: number,
  until: number,
  oldest: string | undefined,
): Promise<ScanResult[]> {
  const state = await ledger.state();
  if (state === undefined) return [];
  const endedAt = state.head?.body.account?.endedAt;
  if (oldest !== undefined && endedAt !== undefined && endedAt < oldest) return [];
  const rows = await newestRows(ledger, Math.min(limit, MOST_RESULTS), (row) => {
    return isResult(row) && Date.parse(row.at) > until;
  });
  const actions = await latestActions(ledger, rows);
  const of = { ...state.header, ended: endedAt !== undefined };
  return rows.map((row) => resultOf(of, row, actions.get(row.item), deps.settings.connectors));
}
