import type { JobResource } from '../../api/contract.ts';
import { EXIT, EXIT_ORDER, type ExitName } from '../errors.ts';

/**
 * Exit code of a job that has ended: the first that applies of 5 failed, 6 cancelled, 3 findings, 4 gaps, 0. A retry has gaps while
 * anything of the whole is left.
 */
export function exitCodeOf(job: Pick<JobResource, 'state' | 'counters' | 'gaps' | 'retry' | 'whole'>): number {
  const { malicious, policy_blocked } = job.counters.outcomes;
  const applies = new Set<ExitName>(['ok']);
  if (job.state === 'failed') applies.add('failed');
  if (job.state === 'cancelled' || job.state === 'cancelling') applies.add('cancelled');
  if (malicious + policy_blocked > 0) applies.add('findings');
  if (job.gaps.length > 0 || job.state === 'completed_with_gaps') applies.add('gaps');
  if (job.retry !== undefined && job.whole !== undefined && job.whole.state !== 'completed') applies.add('gaps');
  const name = EXIT_ORDER.find((candidate) => applies.has(candidate)) ?? 'internal';
  return EXIT[name];
}
