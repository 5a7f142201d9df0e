import type { JobResource } from '../../api/contract.ts';
import { secondsText } from '../../domain/duration.ts';
import { RESCAN_AFTER } from '../../domain/incremental.ts';
import { splitOf } from '../job/summary.ts';
import { visible } from './names.ts';
import type { Style } from './style.ts';
import { count } from './units.ts';

/** What an incremental scan spared itself, since when, and what it could not; none for another scan. */
export function incrementalLines(job: JobResource, style: Style): string[] {
  if (job.settings.incremental !== true) return [];
  const { since, why, unannounced } = job.incremental ?? {};
  const { scanned, unchanged } = splitOf(job.counters);
  const than = since === undefined ? '' : ` since ${since.job}`;
  const age = secondsText(job.settings.rescanAfter ?? RESCAN_AFTER);
  const lines = ['', `  ${count(scanned)} scanned, ${count(unchanged)} unchanged${than} (judged within ${age})`];
  if (why !== undefined) lines.push(style.warn(`  not incremental throughout: ${why.code}: ${visible(why.detail)}`));
  if (unannounced !== undefined && unannounced > 0) {
    lines.push(`  ${count(unannounced)} new or changed without an earlier row for their version`);
  }
  return lines;
}
