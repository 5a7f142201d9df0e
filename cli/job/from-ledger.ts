import { join } from 'node:path';
import type { JobResource } from '../../api/contract.ts';
import { pageActions } from '../../ledger/actions.ts';
import { isLedgerError, LedgerError } from '../../ledger/errors.ts';
import { type JobLedger, type JobSummary, type Ledger, openLedger } from '../../ledger/ledger.ts';
import { pageOutcomes } from '../../ledger/outcomes.ts';
import { CliError } from '../errors.ts';
import { type Finding, loadFindings } from './findings.ts';

/** Where the ledger of a stack at this home lies. */
export function ledgerFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return env.DSX_LEDGER || join(home, 'ledger');
}

/**
 * Runs `use` on the ledger; with none there, returns undefined.
 * @throws CliError (failed) when it is there and can't be read
 */
async function withLedger<T>(folder: string, use: (ledger: Ledger) => Promise<T>): Promise<T | undefined> {
  let ledger: Ledger | undefined;
  try {
    ledger = await openLedger(folder, { create: false });
    return await use(ledger);
  } catch (error) {
    if (ledger === undefined && isLedgerError(error, 'not_found')) return undefined;
    if (!(error instanceof LedgerError)) throw error;
    throw new CliError('failed', error.code, error.message, { cause: error });
  } finally {
    await ledger?.close();
  }
}

/** Jobs as their ledger tells them, newest first. */
export async function jobsFromLedger(folder: string, limit: number): Promise<JobSummary[]> {
  const jobs = await withLedger(folder, async (ledger) => {
    const found: JobSummary[] = [];
    for await (const job of ledger.jobs()) {
      found.push(job);
      if (found.length >= limit) break;
    }
    return found;
  });
  return jobs ?? [];
}

/** A job that has ended, as its ledger tells it. */
export interface EndedJob {
  readonly job: JobResource;
  readonly findings: readonly Finding[];
}

/**
 * The account of a job that has ended with its first `wanted` findings; `unfinished` when it has not ended; undefined when the
 * ledger knows no such job.
 * @throws CliError (failed) when it can't be read
 */
export async function jobFromLedger(
  folder: string,
  id: string,
  wanted: number,
): Promise<EndedJob | 'unfinished' | undefined> {
  return withLedger(folder, async (ledger) => {
    const job = jobOf(ledger, id);
    if (job === undefined) return undefined;
    const header = await job.header();
    if (header === undefined) return undefined;
    const head = await job.head();
    const account = head?.body.account;
    if (head === undefined || account === undefined) return 'unfinished';
    const { format: _, ...asked } = header;
    const { fingerprint: __, ...told } = account;
    const resource: JobResource = {
      ...asked,
      ...told,
      revision: 0,
      pages: { listed: 0, open: 0, closed: 0 },
      commit: { number: head.body.number, hash: head.hash },
      from: 'ledger',
      ledger: join(ledger.place, id),
      root: head.hash,
    };
    const read = {
      outcomes: (_id: string, query: object) => pageOutcomes(job, { limit: wanted, ...query }),
      actions: (_id: string, query: object) => pageActions(job, { limit: wanted, ...query }),
    };
    return { job: resource, findings: await loadFindings(read, id, wanted) };
  });
}

/** Undefined for what can't be the id of a job. */
function jobOf(ledger: Ledger, id: string): JobLedger | undefined {
  try {
    return ledger.job(id);
  } catch (error) {
    if (isLedgerError(error, 'invalid')) return undefined;
    throw error;
  }
}
