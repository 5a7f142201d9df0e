import path from 'node:path';
import type { ScheduledScan } from '../activities/schedules/start-scheduled-scan.ts';
import type { WorkerConfig } from '../config/worker.ts';
import { effectiveSettings } from '../domain/effective-settings.ts';
import type { ScheduleDefinition } from '../domain/schedule/schedule.ts';

/** The scanner of a scan that names none. */
const DEFAULT_SCANNER = 'dsxa';

/** What a schedule's scan is started with: the same as a start through the API with the same choices. */
export function scheduledScan(
  config: Pick<WorkerConfig, 'connectors' | 'scanners' | 'home'>,
  { connector: id, scan, mode }: ScheduleDefinition,
): ScheduledScan {
  const bound = config.connectors.find((connector) => connector.id === id);
  if (bound === undefined) {
    return { fault: `this worker's configuration has no connector ${id}; add it, or delete the schedule` };
  }
  const scanner = scan.scanner ?? DEFAULT_SCANNER;
  if (config.scanners[scanner] === undefined) {
    const known = Object.keys(config.scanners).join(', ') || 'none';
    return { fault: `this worker's configuration has no scanner ${scanner}; it has: ${known}` };
  }
  const { kind, site } = bound;
  // A folder of our own state, where workers of this host have one.
  const own = kind === 'filesystem' && site === undefined ? path.join(config.home, 'quarantine', id) : undefined;
  const settings = effectiveSettings({ ...scan, incremental: mode === 'incremental' }, bound, scanner, own);
  return {
    request: {
      source: { kind: 'connector', id },
      settings,
      ...(site !== undefined && { site }),
    },
  };
}
