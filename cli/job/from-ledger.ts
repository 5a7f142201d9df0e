import { join } from 'node:path';
import type { JobResource } from '../../api/contract.ts';
import { pageActions } from '../../ledger/actions.ts';
import { isLedgerError, LedgerError } from '../../ledger/errors.ts';
import { ledgerJob } from '../../ledger/job-progress.ts';
import { type JobLedger, type JobSummary, type Ledger, openLedger } from '../../ledger/ledger.ts';
import { pageOutcomes } from '../../ledger/outcomes.ts';
import { firstOf, relationsOf } from '../../ledger/retry-chain.ts';
import type { JobHeader } from '../../ledger/types.ts';
import { CliError } from '../errors.ts';
import { type Finding, loadFindings } from './findings.ts';

/** Where the ledger of a stack at this home lies. */
export function ledgerFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return env.DSX_LEDGER || join(home, 'ledger');
}

/**
 * Runs `use` on the ledger; with none there, returns undefined, or makes it first (`create`).
 * @throws CliError (failed) when it is there and can't be read; (usage) for a place in a list that is none
 */
export async function withLedger<T>(
  folder: string,
  use: (ledger: Ledger) => Promise<T>,
  { create }: { readonly create: boolean } = { create: false },
): Promise<T | undefined> {
  let ledger: Ledger | undefined;
  try {
    ledger = await openLedger(folder, { create });
    return await use(ledger);
  } catch (error) {
    if (ledger === undefined && isLedgerError(error, 'not_found')) return undefined;
    if (!(error instanceof LedgerError)) throw error;
    const exit = error.code === 'invalid' ? 'usage' : 'failed';
    throw new CliError(exit, error.code, error.message, { cause: error });
  } finally {
    await ledger?.close();
  }
}

/** A job as its ledger tells it, with what its retries changed. */
export type RelatedSummary = JobSummary &
  Pick<JobResource, 'retriedBy' | 'closedBy' | 'whole'> & { readonly retryOf?: string };

/** Only jobs that left gaps, and retries, can have any. @throws LedgerError */
export async function related(ledger: Ledger, summary: JobSummary): Promise<RelatedSummary> {
  const { job, state, retry } = summary;
  if (state === 'damaged' || state === 'unfinished' || (state === 'completed' && retry === undefined)) {
    return { ...summary, ...(retry !== undefined && { retryOf: retry.of }) };
  }
  const relations = await relationsOf(ledger, job, retry?.first ?? job);
  return { ...summary, ...relations, ...(retry !== undefined && { retryOf: retry.of }) };
}

/** Jobs as their ledger tells them, newest first. */
export async function jobsFromLedger(folder: string, limit: number): Promise<RelatedSummary[]> {
  const jobs = await withLedger(folder, async (ledger) => {
    const found: RelatedSummary[] = [];
    for await (const job of ledger.jobs()) {
      found.push(await related(ledger, job));
      if (found.length >= limit) break;
    }
    return found;
  });
  return jobs ?? [];
}

/** What a job was asked for; undefined when the ledger knows no such job, or can't tell. @throws CliError (failed) */
export async function headerFromLedger(folder: string, id: string): Promise<JobHeader | undefined> {
  return withLedger(folder, async (ledger) => {
    try {
      return await jobOf(ledger, id)?.header();
    } catch (error) {
      if (isLedgerError(error, 'corrupt')) return undefined;
      throw error;
    }
  });
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
    const told = await ledgerJob(job);
    if (header === undefined || told === undefined) return undefined;
    const { progress, ended } = told;
    if (!ended || progress.commit === undefined) return 'unfinished';
    const resource: JobResource = {
      ...progress,
      ...(await relationsOf(ledger, id, firstOf(header))),
      from: 'ledger',
      ledger: join(ledger.place, id),
      root: progress.commit.hash,
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
