import type { LiveFigures } from '../domain/job.ts';
import { addCounters, noCounters } from '../domain/outcome.ts';

/** The figures of all workers as one, or undefined when no worker reported. */
export function sumLive(parts: readonly LiveFigures[]): LiveFigures | undefined {
  if (parts.length === 0) return undefined;
  let sum: LiveFigures = { counters: noCounters(), inFlight: 0, itemsPerSecond: 0, bytesPerSecond: 0 };
  for (const part of parts) {
    sum = {
      counters: addCounters(sum.counters, part.counters),
      inFlight: sum.inFlight + part.inFlight,
      itemsPerSecond: sum.itemsPerSecond + part.itemsPerSecond,
      bytesPerSecond: sum.bytesPerSecond + part.bytesPerSecond,
    };
  }
  return sum;
}
