import type { JobProgress, LiveFigures } from '../domain/job.ts';
import { addCounters, type Counters, noCounters } from '../domain/outcome.ts';

/**
 * The figures of all workers as one, or undefined when no worker reported. Counters of a page count only while the progress
 * has it in flight: before, they are in the progress (handed back), afterwards too (closed). So every row counts once.
 */
export function sumLive(parts: readonly LiveFigures[], progress: JobProgress): LiveFigures | undefined {
  if (parts.length === 0) return undefined;
  let sum: LiveFigures = { counters: noCounters(), inFlight: 0, itemsPerSecond: 0, bytesPerSecond: 0 };
  for (const part of parts) {
    sum = {
      counters: addCounters(sum.counters, openCounters(part, progress.pages.inFlight)),
      inFlight: sum.inFlight + part.inFlight,
      itemsPerSecond: sum.itemsPerSecond + part.itemsPerSecond,
      bytesPerSecond: sum.bytesPerSecond + part.bytesPerSecond,
    };
  }
  return sum;
}

function openCounters(part: LiveFigures, inFlight: readonly string[] | undefined): Counters {
  const { pages } = part;
  if (pages === undefined || inFlight === undefined) return part.counters;
  return inFlight.reduce((sum, page) => addCounters(sum, pages[page] ?? noCounters()), noCounters());
}
