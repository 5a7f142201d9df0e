/**
 * Settings of a Temporal server that work is shared out by; `deploy/temporal/dynamic-config.yaml` says the same.
 *
 * - Without fairness the key of a job is silently ignored, and one large scan takes all turns.
 * - Fairness holds within a partition of a queue. A few dozen pages wait at once, never thousands a second: one partition
 *   holds them all, and the shares are exact.
 */
export const TEMPORAL_SETTINGS = {
  'matching.enableFairness': true,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
} as const;

/** The same for the command line of a development server. */
export function dynamicConfigArguments(more: readonly string[] = []): string[] {
  const settings = Object.entries(TEMPORAL_SETTINGS).map(([name, value]) => `${name}=${value}`);
  return [...settings, ...more].flatMap((setting) => ['--dynamic-config-value', setting]);
}
