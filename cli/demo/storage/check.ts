import type { JobResource } from '../../../api/contract.ts';
import type { OutcomeRow } from '../../../domain/outcome.ts';
import { OUTCOMES } from '../../../domain/outcome.ts';
import { visible } from '../../render/names.ts';
import type { Sample } from './sample.ts';
import type { Contents } from './storage.ts';

/** Compares the account of a scan with what was put, without trusting the account: every difference in a sentence. */
export function scanDifferences(sample: Sample, job: JobResource, rows: readonly OutcomeRow[]): string[] {
  const differences: string[] = [];
  const unlike = (what: string, got: unknown, want: unknown): void => {
    if (got !== want) differences.push(`${what}: ${String(got)}, but it must be ${String(want)}`);
  };
  unlike('listed', job.listed, sample.expected.size);
  for (const outcome of OUTCOMES) {
    const want = [...sample.expected.values()].filter((expected) => expected === outcome).length;
    unlike(outcome, job.counters.outcomes[outcome], want);
  }
  unlike('actions done', job.actions.done, sample.moved.size);
  const missing = new Map<string, string>(sample.expected);
  for (const { location, outcome, reason } of rows) {
    const want = sample.expected.get(location);
    if (want === undefined) differences.push(`${visible(location)} has a row, but was not put there`);
    else if (!missing.delete(location)) differences.push(`${visible(location)} has more than one row`);
    else if (outcome !== want)
      differences.push(`${visible(location)} is ${outcome} ${reason ?? ''}, but must be ${want}`);
  }
  for (const location of missing.keys()) differences.push(`${visible(location)} has no row`);
  return differences;
}

/** What was moved lies in quarantine byte for byte, and everything else lies as it was put. */
export function movedDifferences(sample: Sample, now: { items: Contents; quarantine: Contents }): string[] {
  const rest = new Map([...sample.contents].filter(([location]) => !sample.moved.has(location)));
  const kept = [...now.quarantine.values()].sort().join();
  const wanted = [...sample.moved.values()].sort().join();
  return [
    ...contentDifferences(rest, now.items, 'after the scan'),
    ...(kept === wanted
      ? []
      : [`quarantine holds ${now.quarantine.size} objects, not the ${sample.moved.size} moved ones`]),
  ];
}

/** Everything lies as it was put, and quarantine is empty. */
export function restoredDifferences(sample: Sample, now: { items: Contents; quarantine: Contents }): string[] {
  const left = now.quarantine.size;
  return [
    ...contentDifferences(sample.contents, now.items, 'after the restore'),
    ...(left === 0 ? [] : [`${left} objects are still in quarantine`]),
  ];
}

function contentDifferences(want: Contents, got: Contents, when: string): string[] {
  const differences: string[] = [];
  for (const [location, hash] of want) {
    if (!got.has(location)) differences.push(`${when}, ${visible(location)} is gone`);
    else if (got.get(location) !== hash) differences.push(`${when}, ${visible(location)} has other bytes`);
  }
  for (const location of got.keys()) {
    if (!want.has(location)) differences.push(`${when}, ${visible(location)} is there, and was not put`);
  }
  return differences;
}
