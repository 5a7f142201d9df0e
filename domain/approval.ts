import { sha256Hex } from './sha256.ts';

/** What a person decides about findings that wait. */
export const VERDICTS = ['approve', 'reject'] as const;
export type Verdict = (typeof VERDICTS)[number];

export const ORDERS = ['planned', 'approved', 'rejected', 'restore'] as const;

/**
 * Why an apply job acts: findings of an ended job that a dry run planned, or that waited and were approved or rejected; or what
 * a job moved or tagged is to be put back (`restore`). It is the apply job's header that says so, and who ordered it.
 */
export interface Order {
  readonly why: (typeof ORDERS)[number];
  /** The job whose findings they are; of a restore the job whose actions are undone. */
  readonly job: string;
  readonly by: string;
  /** When it was ordered, ISO 8601 in UTC. */
  readonly at: string;
  readonly reason?: string;
  /** Findings that were decided about; absent for a plan, which the job itself reads. */
  readonly findings?: number;
  /** Decisions: the last finding that was seen, and the hash of the list up to there. */
  readonly through?: number;
  readonly list?: string;
}

/** Sequence numbers from the first to the last, both meant. */
export type Span = readonly [first: number, last: number];

/** Findings that wait: intents `from` to before `to` of one object; the first has the sequence number `first`. */
export interface Waiting {
  readonly first: number;
  readonly job: string;
  /** Name and hash of the object of intents, in the ledger of the job. */
  readonly intents: { readonly name: string; readonly hash: string };
  readonly from: number;
  readonly to: number;
  /** Since when, ISO 8601 in UTC. */
  readonly since: string;
}

export function lastOf(waiting: Waiting): number {
  return waiting.first + waiting.to - waiting.from - 1;
}

/** How many findings wait in all. */
export function countWaiting(list: readonly Waiting[]): number {
  return list.reduce((sum, { from, to }) => sum + to - from, 0);
}

/**
 * Stands for the list of waiting findings up to a sequence number, as it was shown: which findings of which jobs under which
 * numbers, and, by the hash of the intents, which version of which item. What comes later does not change it; a decision
 * about any of them does.
 */
export function listHash(list: readonly Waiting[], through: number): string {
  const lines: string[] = [];
  let open: { first: number; job: string; hash: string; from: number; to: number } | undefined;
  const close = (): void => {
    if (open !== undefined) lines.push(`${open.first} ${open.job} ${open.hash} ${open.from}-${open.to}`);
    open = undefined;
  };
  for (const { first, job, intents, from, to } of list) {
    if (first > through) break;
    const end = Math.min(to, from + through - first + 1);
    const { hash } = intents;
    const goesOn =
      open?.job === job && open.hash === hash && open.to === from && open.first + from - open.from === first;
    if (open !== undefined && goesOn) open.to = end;
    else {
      close();
      open = { first, job, hash, from, to: end };
    }
  }
  close();
  return sha256Hex(lines.join('\n')).slice(0, 16);
}

/** Spans as people write them: `1,2,5-7`. Undefined for anything else, or when a span is upside down. */
export function parseSpans(text: string): Span[] | undefined {
  const spans: Span[] = [];
  for (const part of text.split(',')) {
    const [, a, b] = /^\s*([1-9]\d{0,11})(?:\s*-\s*([1-9]\d{0,11}))?\s*$/.exec(part) ?? [];
    if (a === undefined) return undefined;
    const span: Span = [Number(a), Number(b ?? a)];
    if (span[0] > span[1]) return undefined;
    spans.push(span);
  }
  return spans;
}

/** The same numbers, in order, each once, neighbours joined. */
export function tidySpans(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort((a, b) => a[0] - b[0]);
  const tidy: [number, number][] = [];
  for (const [first, last] of sorted) {
    const before = tidy.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else tidy.push([first, last]);
  }
  return tidy;
}

export function spansText(spans: readonly Span[]): string {
  return spans.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
