import type { FinalState, Gap } from './job.ts';
import { addCounters, type Counters, noOutcomes, OUTCOMES, type Outcome, type OutcomeRow } from './outcome.ts';

/** The outcomes of items that were not judged: a retry may scan them again. */
export const RETRIABLE = ['failed', 'unscannable', 'inconclusive'] as const satisfies readonly Outcome[];
export type RetriableOutcome = (typeof RETRIABLE)[number];

/** Which rows are retried. Kept in one form (`normalSelection`), so that equal ones are written equally. */
export interface RetrySelection {
  readonly outcomes: readonly RetriableOutcome[];
  /** Classes of `failed` rows and reasons of `unscannable` ones; absent: any. */
  readonly classes?: readonly string[];
  /** Locations that begin so; absent: any. */
  readonly prefix?: string;
}

/** What a retry is asked for. */
export interface RetryTarget extends RetrySelection {
  /** The job that was named: one of its items is retried if its newest row is selected. */
  readonly of: string;
  /** The first job of the chain, which is no retry: `of`, or what `of` goes back to. */
  readonly first: string;
}

/** A job of a chain, and the root of its ledger. */
export interface ChainLink {
  readonly job: string;
  readonly root: string;
}

/** A retry as it is planned and written down: which rows of which ledgers. */
export interface RetryPlan extends RetryTarget {
  /** The first job and all retries of it that had ended, in order. */
  readonly chain: readonly ChainLink[];
}

/** What the row that a retried item had said, as far as counters need it. */
export interface Was {
  readonly outcome: RetriableOutcome;
  /** Bytes that were judged; absent: none. */
  readonly bytes?: number;
  readonly standIn?: true;
}

/** The account of a first job and its retries together: each item by its newest row. */
export interface Whole {
  /** The first job. */
  readonly of: string;
  /** The first job and its retries, in order; the last one is the job whose account says this. */
  readonly jobs: readonly string[];
  /** `completed` when nothing is left; a first job that was cancelled or failed leaves what it did not list. */
  readonly state: FinalState;
  readonly listed: number;
  /** Sums over the newest row of each item. */
  readonly counters: Counters;
  /** What is left: items by their newest rows, and what no retry can close (folders, listings, assets). */
  readonly gaps: readonly Gap[];
}

/** The part of an account that a whole is made from. */
export interface AccountFigures {
  readonly state: FinalState;
  readonly listed: number;
  readonly counters: Counters;
  readonly gaps: readonly Gap[];
  readonly whole?: Whole;
}

/** Outcomes in a fixed order, classes sorted, nothing twice, nothing empty. */
export function normalSelection(selection: RetrySelection): RetrySelection {
  const { classes, prefix } = selection;
  return {
    outcomes: RETRIABLE.filter((outcome) => selection.outcomes.includes(outcome)),
    ...(classes !== undefined && classes.length > 0 && { classes: [...new Set(classes)].sort() }),
    ...(prefix !== undefined && prefix !== '' && { prefix }),
  };
}

/** What was asked for, without what it was built on. */
export function targetOf({ of, first, outcomes, classes, prefix }: RetryTarget): RetryTarget {
  return { of, first, outcomes, ...(classes !== undefined && { classes }), ...(prefix !== undefined && { prefix }) };
}

/** Whether two starts ask for the same retry. Both absent: neither is one. */
export function sameRetry(a: RetryTarget | undefined, b: RetryTarget | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.of === b.of && a.first === b.first && sameSelection(a, b);
}

export function sameSelection(a: RetrySelection, b: RetrySelection): boolean {
  return (
    sameList(a.outcomes, b.outcomes) &&
    sameList(a.classes ?? [], b.classes ?? []) &&
    (a.prefix ?? '') === (b.prefix ?? '')
  );
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

export function isRetriable(outcome: Outcome): outcome is RetriableOutcome {
  return (RETRIABLE as readonly Outcome[]).includes(outcome);
}

/** Whether an item whose newest row is this one is to be retried. */
export function selects(selection: RetrySelection, row: Pick<OutcomeRow, 'outcome' | 'reason' | 'location'>): boolean {
  if (!isRetriable(row.outcome) || !selection.outcomes.includes(row.outcome)) return false;
  if (selection.classes !== undefined && !(row.reason !== undefined && selection.classes.includes(row.reason))) {
    return false;
  }
  return selection.prefix === undefined || row.location.startsWith(selection.prefix);
}

/** What a row weighs in the counters that it is taken out of when a retry replaces it. */
export function wasOf(row: Pick<OutcomeRow, 'judged' | 'scanner'>, outcome: RetriableOutcome): Was {
  return {
    outcome,
    ...(row.judged !== undefined && { bytes: row.judged.size }),
    ...(row.scanner?.standIn === true && { standIn: true }),
  };
}

/** Counters of the rows that these items had before. Items that were listed anew replace nothing. */
export function countReplaced(items: Iterable<{ readonly was?: Was } | undefined>): Counters {
  const outcomes = noOutcomes();
  let bytes = 0;
  let standIn = 0;
  for (const item of items) {
    if (item?.was === undefined) continue;
    outcomes[item.was.outcome] += 1;
    bytes += item.was.bytes ?? 0;
    if (item.was.standIn) standIn += 1;
  }
  return { outcomes, bytes, standIn };
}

/** The whole that an account stands for: its own words, or what it says as the account of a first job. */
export function wholeOf(job: string, { state, listed, counters, gaps, whole }: AccountFigures): Whole {
  return whole ?? { of: job, jobs: [job], state, listed, counters, gaps };
}

/** What a retry did. */
export interface RetryFigures {
  readonly job: string;
  /** Items that it listed beside those it retried (what item actions found changed). */
  readonly added: number;
  /** Counters of its rows, and of the rows that these replace. */
  readonly counters: Counters;
  readonly replaced: Counters;
  readonly gaps: readonly Gap[];
}

/** The whole after one more retry. */
export function wholeAfter(before: Whole, retry: RetryFigures): Whole {
  const counters = addCounters(subtractCounters(before.counters, retry.replaced), retry.counters);
  const gaps = [...outcomeGaps(counters), ...mergeGaps(otherGaps(before.gaps), otherGaps(retry.gaps))];
  return {
    of: before.of,
    jobs: [...before.jobs, retry.job],
    state: stateOf(before, gaps),
    listed: before.listed + retry.added,
    counters,
    gaps,
  };
}

function stateOf(before: Whole, gaps: readonly Gap[]): FinalState {
  if (before.state === 'cancelled' || before.state === 'failed') return before.state;
  return gaps.length > 0 ? 'completed_with_gaps' : 'completed';
}

/** The gaps that counters stand for. */
export function outcomeGaps(counters: Counters): Gap[] {
  return RETRIABLE.flatMap((outcome) => {
    const count = counters.outcomes[outcome];
    return count > 0 ? [{ class: outcome, count }] : [];
  });
}

function otherGaps(gaps: readonly Gap[]): Gap[] {
  return gaps.filter((gap) => !(RETRIABLE as readonly string[]).includes(gap.class));
}

/** One gap of each class: counts add up, the first example stays. */
function mergeGaps(...lists: readonly (readonly Gap[])[]): Gap[] {
  const merged = new Map<Gap['class'], Gap>();
  for (const gap of lists.flat()) {
    const known = merged.get(gap.class);
    merged.set(gap.class, known === undefined ? gap : { ...known, count: known.count + gap.count });
  }
  return [...merged.values()];
}

export function subtractCounters(a: Counters, b: Counters): Counters {
  const outcomes = noOutcomes();
  for (const outcome of OUTCOMES) outcomes[outcome] = a.outcomes[outcome] - b.outcomes[outcome];
  const allowed = (a.allowed ?? 0) - (b.allowed ?? 0);
  const unchanged = (a.unchanged ?? 0) - (b.unchanged ?? 0);
  const skipped = { ...(allowed !== 0 && { allowed }), ...(unchanged !== 0 && { unchanged }) };
  return { outcomes, bytes: a.bytes - b.bytes, standIn: a.standIn - b.standIn, ...skipped };
}

/** How many items of a whole are left to retry, by the outcomes of a selection. */
export function leftOf(whole: Whole, outcomes: readonly RetriableOutcome[] = RETRIABLE): number {
  return outcomes.reduce((sum, outcome) => sum + whole.counters.outcomes[outcome], 0);
}
