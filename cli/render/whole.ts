import { OUTCOMES } from '../../domain/outcome.ts';
import type { RetryTarget, Whole } from '../../domain/retry.ts';
import { UNCOUNTED } from './gaps.ts';
import { visible } from './names.ts';
import type { Style } from './style.ts';
import { count } from './units.ts';

/** What is told of a job and its retries together. */
export interface Told {
  readonly job: string;
  readonly retry?: RetryTarget | undefined;
  readonly retriedBy?: readonly string[] | undefined;
  readonly closedBy?: string | undefined;
  readonly whole?: Whole | undefined;
}

/** The retry after which nothing was left, this one included. */
export function closingJob({ job, closedBy, whole, retry }: Told): string | undefined {
  return closedBy ?? (retry !== undefined && whole?.state === 'completed' ? job : undefined);
}

/** What is left of a first job and its retries, in one line. */
export function leftText(told: Told): string | undefined {
  const { whole } = told;
  if (whole === undefined) return undefined;
  const failed = `job ${whole.of}: ${count(whole.counters.outcomes.failed)} failed left`;
  const closing = closingJob(told);
  const { standIn } = whole.counters;
  const proof = standIn > 0 ? ` (${count(standIn)} judged by a stand-in: no proof of anything)` : '';
  if (closing !== undefined) return `${failed}; closed by job ${closing}${proof}`;
  const open = whole.gaps
    .filter((gap) => gap.class !== 'failed')
    .map((gap) => (UNCOUNTED.has(gap.class) ? gap.class : `${count(gap.count)} ${gap.class}`));
  const rest = open.length === 0 ? '' : `; still open: ${open.join(', ')}`;
  const ended =
    whole.state === 'cancelled' || whole.state === 'failed'
      ? `; it ${whole.state === 'failed' ? 'failed' : 'was cancelled'}: what it did not scan is not covered`
      : '';
  return `${failed}${rest}${ended}${proof}`;
}

/** Which rows a retry was about. */
export function selectionText({ of, outcomes, classes, prefix }: RetryTarget): string {
  const parts = [
    outcomes.join(', '),
    ...(classes === undefined ? [] : [`class ${classes.map(visible).join(', ')}`]),
    ...(prefix === undefined ? [] : [`below ${visible(prefix)}`]),
  ];
  return `${of} (${parts.join('; ')})`;
}

/** The account of the whole for a person; none for a job without retries. Ends with what is left. */
export function wholeLines(told: Told, style: Style): string[] {
  const { whole } = told;
  const left = leftText(told);
  if (whole === undefined || left === undefined) return [];
  const counts = OUTCOMES.filter((outcome) => whole.counters.outcomes[outcome] > 0).map(
    (outcome) => `${count(whole.counters.outcomes[outcome])} ${outcome.replace('_', ' ')}`,
  );
  const retries = whole.jobs.slice(1);
  const tone = whole.state === 'completed' ? style.good : style.warn;
  return [
    '',
    style.strong(`job ${whole.of} with its ${retries.length === 1 ? 'retry' : `${count(retries.length)} retries`}`),
    `  ${count(whole.listed)} listed: ${counts.join(', ')}`,
    ...(told.retriedBy === undefined ? [] : [`  retried by ${told.retriedBy.join(', ')}`]),
    `  ${tone(left)}`,
  ];
}
