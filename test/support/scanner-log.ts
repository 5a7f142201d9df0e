import type { SeenRequest } from '../../scanner/standin/request-log.ts';

/** The most requests that the scanner had at once between two moments (Unix time, milliseconds), by its own log. */
export function mostAtOnce(log: readonly SeenRequest[], from: number, to: number): number {
  const edges = log
    .filter(({ received, answered }) => received < to && answered > from)
    .flatMap(({ received, answered }) => [
      { at: Math.max(received, from), step: 1 },
      { at: answered, step: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.step - b.step);
  let now = 0;
  let most = 0;
  for (const { step } of edges) {
    now += step;
    most = Math.max(most, now);
  }
  return most;
}

/** Requests whose body was whole and that were received from one moment to before another. */
export function scansBetween(log: readonly SeenRequest[], from: number, to = Number.POSITIVE_INFINITY): SeenRequest[] {
  return log.filter(({ received, sha256 }) => received >= from && received < to && sha256 !== '');
}

/** Bodies that were judged more than once. */
export function judgedTwice(log: readonly SeenRequest[]): string[] {
  const seen = new Set<string>();
  const twice: string[] = [];
  for (const { sha256, status } of log) {
    if (status !== 200) continue;
    if (seen.has(sha256)) twice.push(sha256);
    seen.add(sha256);
  }
  return twice;
}
