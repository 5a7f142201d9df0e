import type { Fault } from './schedule.ts';

/** A fault as it happened. Times are Unix time in milliseconds. */
export interface Event {
  readonly fault: Fault;
  /** The process or the link. */
  readonly target: string;
  readonly from: number;
  /** When what was frozen went on, what was killed or ended served again, or the link was as before. */
  to: number;
  /** What stood in the way of carrying it out. */
  problem?: string;
}

/** A stretch of time, both ends included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The same stretches, in order, those that touch made one. */
export function union(spans: readonly Span[]): Span[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

/** The stretches that all of these have in common. */
export function intersection(sets: readonly (readonly Span[])[]): Span[] {
  return sets.map(union).reduce((a, b) =>
    a.flatMap((one) =>
      b.flatMap((two) => {
        const from = Math.max(one.from, two.from);
        const to = Math.min(one.to, two.to);
        return from < to ? [{ from, to }] : [];
      }),
    ),
  );
}

/** How much of `from` … `to` lies in none of the stretches, which must be a `union`. */
export function outside(from: number, to: number, spans: readonly Span[]): number {
  const covered = spans.reduce((sum, span) => sum + Math.max(0, Math.min(to, span.to) - Math.max(from, span.from)), 0);
  return Math.max(0, to - from) - covered;
}

export function touches(span: Span, spans: readonly Span[]): boolean {
  return spans.some((other) => span.from <= other.to && span.to >= other.from);
}
