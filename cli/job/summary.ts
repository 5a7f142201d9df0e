import type { JobResource } from '../../api/contract.ts';
import type { ActionState, RowAction } from '../../domain/action.ts';
import type { Incremental } from '../../domain/incremental.ts';
import type { Gap, JobState } from '../../domain/job.ts';
import { type Counters, type Outcome, type OutcomeCounts, rowsOf } from '../../domain/outcome.ts';
import type { RetryTarget, Whole } from '../../domain/retry.ts';
import { secondsBetween } from '../render/units.ts';
import { closingJob } from '../render/whole.ts';
import type { Finding } from './findings.ts';

/** At most so many findings are named in a summary. */
export const SUMMARY_FINDINGS = 1000;

/** A finding as `--json` tells it. */
export interface FindingJson {
  readonly item: string;
  readonly outcome: Outcome;
  readonly location: string;
  readonly locationBytes?: string;
  readonly threat?: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly standIn: boolean;
  readonly action?: {
    readonly action: RowAction;
    readonly state: ActionState;
    readonly code?: string;
    readonly note?: string;
    readonly destination?: string;
  };
}

/** The last line of `--json`. */
export interface Summary {
  readonly type: 'summary';
  readonly job: string;
  readonly state: JobState;
  /** True when a stand-in judged anything: the scan is then no proof. */
  readonly standIn: boolean;
  /** Items. */
  readonly listed: number;
  /** Bytes that were judged. */
  readonly bytes: number;
  readonly seconds: number;
  readonly outcomes: OutcomeCounts;
  readonly actions: Readonly<Record<ActionState, number>>;
  readonly gaps: readonly Gap[];
  /** Of an incremental scan: how many items were skipped as unchanged, since which job, or why none. */
  readonly incremental?: Incremental & { readonly scanned: number; readonly unchanged: number };
  /** What a retry retried. */
  readonly retry?: RetryTarget;
  /** A retry, or a job that was retried: the account of the first job and its retries together. */
  readonly whole?: Whole;
  readonly retriedBy?: readonly string[];
  /** The retry after which nothing was left, this one included. */
  readonly closedBy?: string;
  readonly findings: readonly FindingJson[];
  readonly ledger: string;
  /** Root hash of the ledger; null while the job has not ended. */
  readonly root: string | null;
}

export function summaryOf(job: JobResource, findings: readonly Finding[]): Summary {
  const closing = closingJob(job);
  return {
    type: 'summary',
    job: job.job,
    state: job.state,
    standIn: job.counters.standIn > 0 || job.settings.scanner === 'standin',
    listed: job.listed,
    bytes: job.counters.bytes,
    seconds: secondsBetween(job.startedAt, job.endedAt),
    outcomes: job.counters.outcomes,
    actions: job.actions,
    gaps: job.gaps,
    ...(job.settings.incremental === true && { incremental: { ...job.incremental, ...splitOf(job.counters) } }),
    ...(job.retry !== undefined && { retry: job.retry }),
    ...(job.whole !== undefined && { whole: job.whole }),
    ...(job.retriedBy !== undefined && { retriedBy: job.retriedBy }),
    ...(closing !== undefined && { closedBy: closing }),
    findings: findings.slice(0, SUMMARY_FINDINGS).map(findingJson),
    ledger: job.ledger,
    root: rootOf(job) ?? null,
  };
}

/** Rows of items that were opened, or tried to be, and of those that were skipped as unchanged. */
export function splitOf(counters: Counters): { readonly scanned: number; readonly unchanged: number } {
  const { unchanged = 0, allowed = 0, outcomes } = counters;
  return { scanned: rowsOf(counters) - outcomes.skipped + allowed, unchanged };
}

/** Root hash of a job that has ended. */
export function rootOf(job: Pick<JobResource, 'root' | 'endedAt' | 'commit'>): string | undefined {
  return job.root ?? (job.endedAt === undefined ? undefined : job.commit?.hash);
}

export function findingJson({ row, action }: Finding): FindingJson {
  return {
    item: row.item,
    outcome: row.outcome,
    location: row.location,
    ...(row.locationBytes !== undefined && { locationBytes: row.locationBytes }),
    ...(threatOf(row) !== undefined && { threat: threatOf(row) as string }),
    ...(row.judged !== undefined && { size: row.judged.size }),
    ...(row.sha256 !== undefined && { sha256: row.sha256 }),
    standIn: row.scanner?.standIn ?? false,
    ...(action !== undefined && {
      action: {
        action: action.action,
        state: action.state,
        ...(action.code !== undefined && { code: action.code }),
        ...(action.note !== undefined && { note: action.note }),
        ...(action.destination !== undefined && { destination: action.destination }),
      },
    }),
  };
}

/** What the scanner called it, as far as it said. */
export function threatOf(row: Finding['row']): string | undefined {
  return row.verdict?.threatType ?? row.verdict?.reasonRaw;
}
