import type { Order } from '../../domain/approval.ts';
import type { IdleReason, JobKind, Source } from '../../domain/job.ts';
import type { JobLimits } from '../../domain/limits.ts';
import { type Counters, rowsOf } from '../../domain/outcome.ts';
import type { Whole } from '../../domain/retry.ts';
import { gapCount } from './gaps.ts';
import { limitsText, momentText } from './limits.ts';
import { visible } from './names.ts';
import { appliesText, idleText, sourceText } from './progress.ts';
import type { Style } from './style.ts';
import { count, duration, secondsBetween } from './units.ts';
import { cut, cutPath, padEnd, padStart } from './width.ts';

/** A job as `dsx jobs` lists it; `--json` prints one such object a line. */
export interface JobLine {
  readonly job: string;
  /** A state, or `unfinished` or `damaged` where only the ledger was read. */
  readonly state: string;
  /** Why nothing moves just now, if nothing does. */
  readonly idle?: IdleReason;
  /** What bounds a job that has not ended. */
  readonly limits?: JobLimits;
  readonly kind?: JobKind;
  /** What an apply job carries out. */
  readonly order?: Order;
  readonly source?: Source;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly listed: number;
  readonly scanned: number;
  readonly findings: number;
  readonly standIn: boolean;
  readonly root?: string;
  /** The job that a retry retries. */
  readonly retryOf?: string;
  /** Its retries that have ended. */
  readonly retriedBy?: readonly string[];
  /** The retry after which nothing was left. */
  readonly closedBy?: string;
  /** How many gaps are left of the job and its retries together; of jobs that were retried. */
  readonly left?: number;
}

/** How a job hangs together with its retries, for its line. */
export function relatedOf(job: {
  readonly retryOf?: string | undefined;
  readonly retriedBy?: readonly string[];
  readonly closedBy?: string;
  readonly whole?: Whole;
}): Pick<JobLine, 'retryOf' | 'retriedBy' | 'closedBy' | 'left'> {
  const { retryOf, retriedBy, closedBy, whole } = job;
  return {
    ...(retryOf !== undefined && { retryOf }),
    ...(retriedBy !== undefined && { retriedBy }),
    ...(closedBy !== undefined && { closedBy }),
    ...(retriedBy !== undefined && whole !== undefined && { left: gapCount(whole.gaps) }),
  };
}

/** What is told below the line of a retry, or of a job that was retried. */
function relatedText({ retryOf, retriedBy, closedBy, left }: JobLine): string | undefined {
  const parts = [
    ...(retryOf === undefined ? [] : [`retry of ${retryOf}`]),
    ...(closedBy === undefined ? [] : [`closed by ${closedBy}`]),
    ...(closedBy !== undefined || retriedBy === undefined
      ? []
      : [`retried by ${retriedBy.join(', ')}: ${count(left ?? 0)} left`]),
  ];
  return parts.length === 0 ? undefined : visible(parts.join('; '));
}

/** The figures of a list line from a job's counters. */
export function jobLine(job: Omit<JobLine, 'scanned' | 'findings' | 'standIn'>, counters: Counters): JobLine {
  const { malicious, policy_blocked } = counters.outcomes;
  const figures = { scanned: rowsOf(counters), findings: malicious + policy_blocked, standIn: counters.standIn > 0 };
  return { ...job, ...figures };
}

/** A table, newest job first; one line each, cut to the width of a terminal. */
export function jobsTable(jobs: readonly JobLine[], style: Style): string {
  const head = ['JOB', 'STATE', 'STARTED', 'TOOK', 'LISTED', 'SCANNED', 'FINDINGS'];
  const rows = jobs.map((job) => [
    job.job,
    job.idle === undefined ? job.state : idleText(job.idle),
    job.startedAt === undefined ? '-' : `${job.startedAt.slice(0, 16).replace('T', ' ')}Z`,
    took(job),
    count(job.listed),
    count(job.scanned),
    `${count(job.findings)}${job.standIn ? ' *' : ''}`,
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i >= 3 ? padStart : padEnd)(cell, widths[i] ?? 0)).join('  ');
  const used = widths.reduce((sum, width) => sum + width + 2, 0);
  const room = style.columns - used - 1;
  const wide = room >= 16;
  const lines = [style.strong(`${line(head)}${wide ? '  SOURCE' : ''}`)];
  for (const [i, job] of jobs.entries()) {
    const of = job.source === undefined ? '-' : sourceText(job.source);
    const source =
      job.kind === 'apply' ? `${appliesText(job)} ${of}` : job.kind === 'on-access' ? `on-access of ${of}` : of;
    lines.push(`${line(rows[i] ?? [])}${wide ? `  ${cutPath(source, room)}` : ''}`);
    for (const text of remarks(job)) lines.push(style.warn(`  ${cut(text, Math.max(16, style.columns - 3))}`));
    const related = relatedText(job);
    if (related !== undefined) lines.push(style.faint(`  ${cut(related, Math.max(16, style.columns - 3))}`));
    if (!wide) lines.push(style.faint(`  ${cutPath(source, Math.max(16, style.columns - 3))}`));
  }
  if (jobs.some((job) => job.standIn)) lines.push('', '* judged by a stand-in: no proof of anything');
  return lines.join('\n');
}

/** Below a job's line: why it is idle and till when, and its limits. */
function remarks({ idle, limits }: JobLine): string[] {
  const until = idle?.until === undefined ? [] : [`until ${momentText(idle.until)}`];
  const why = [...until, ...(idle?.reason === undefined ? [] : [visible(idle.reason)])].join(': ');
  const bounds = limitsText(limits ?? {});
  return [...(why === '' ? [] : [why]), ...(bounds === 'none' ? [] : [`limited to ${bounds}`])];
}

function took(job: JobLine): string {
  if (job.startedAt === undefined || (job.endedAt === undefined && job.state === 'unfinished')) return '-';
  return duration(secondsBetween(job.startedAt, job.endedAt));
}
