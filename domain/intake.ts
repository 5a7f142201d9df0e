/** Events that wait for their scan, by connector and shard, at which a gatherer takes no more. */
export const BACKLOG_LIMIT = 100_000;

/**
 * An intake page: events of one connector and shard, written down by one process. `slot` is the hour of its writing (UTC, as
 * `2026-11-23T18`), `writer` a random id of the process, `n` counts its pages of this connector and shard from 1 on, without gaps but
 * for those whose writing failed.
 */
export interface IntakeRef {
  readonly slot: string;
  readonly writer: string;
  readonly n: number;
}

/**
 * What a workflow is told of an event, in the order of the page's lines: hashes that name nothing. `key`: equal ones are repeats of one event.
 * `place`: the location. `order`: as the source gave it, if it did; of two events of one place the greater one is the newer.
 */
export type EventMark = readonly [key: string, place: string, order?: string];

/** Longer orders are not carried: the later arrival is then the newer. Characters. */
export const LONGEST_ORDER = 40;

/** A line (0-based) of an intake page, as items and rows name it: `2026-11-23T18/0123456789abcdef-12:5`. */
export function intakeLine({ slot, writer, n }: IntakeRef, line: number): string {
  return `${slot}/${writer}-${n}:${line}`;
}

/** Undefined for what is no such name. */
export function parseIntakeLine(text: string): { readonly ref: IntakeRef; readonly line: number } | undefined {
  const [, slot, writer, n, line] = /^([0-9T-]{13})\/([0-9a-f]{16})-(\d{1,15}):(\d{1,6})$/.exec(text) ?? [];
  if (slot === undefined || writer === undefined) return undefined;
  return { ref: { slot, writer, n: Number(n) }, line: Number(line) };
}

/** Numbers of pages of one writer, first to last, without a gap. */
export type PageSpan = readonly [from: number, to: number];

/** What a workflow got of one writer's pages. */
export interface ReceivedPages {
  readonly writer: string;
  /** The hour of the newest of them. */
  readonly slot: string;
  readonly spans: readonly PageSpan[];
}

/** The answer to which intake pages arrived, and which are still needed. */
export interface Received {
  readonly writers: readonly ReceivedPages[];
  /**
   * When the workflow began, ISO 8601, where it is not the first of its name: what was written before was handed to one that has ended, or was
   * never acknowledged. Absent: all pages are its own.
   */
  readonly since?: string;
  /** Hour of the oldest page with events that are not planned. Absent: none is. */
  readonly oldest?: string;
}

/** How an on-access job stands with the events of its connector and shard. */
export interface EventFigures {
  readonly shard: number;
  /** Events since the workflow began, repeats among them. */
  readonly received: number;
  /** Events that no page names yet. */
  readonly pending: number;
  /** When the last one came, ISO 8601; absent before the first. */
  readonly lastAt?: string;
  /** Milliseconds from the storage's time of the newest event that was taken up to its arrival. */
  readonly lagMs?: number;
}

/** The hour of a moment, as intake pages name it. */
export function slotOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 13);
}
