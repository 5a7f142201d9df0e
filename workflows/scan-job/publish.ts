import { defineSearchAttributeKey } from '@temporalio/common';
import {
  CancellationScope,
  log,
  proxySinks,
  type Sinks,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { OrchestratorActivities } from '../../activities/types.ts';
import type { JobProgress, JobState } from '../../domain/job.ts';
import { limitsText } from '../../domain/limits-text.ts';
import { rowsOf } from '../../domain/outcome.ts';
import { SEARCH_ATTRIBUTE } from '../messages.ts';
import type { ScanJob } from './scan-job.ts';

/** Progress goes out by a sink, which costs no history; it may be lost or repeated, and the revision sorts that out. */
export interface StatusSinks extends Sinks {
  status: { publish(progress: JobProgress): void };
}

const { status } = proxySinks<StatusSinks>();
const stateKey = defineSearchAttributeKey(SEARCH_ATTRIBUTE.state, 'KEYWORD');

/** The last state each job was shown in, so that the search attribute changes only with the state. */
const shown = new WeakMap<ScanJob, JobState>();

/** Shows a job's progress: in the status, and in the Temporal UI. */
export function publishProgress(job: ScanJob): void {
  const progress = job.progress();
  status.publish(progress);
  show(job, progress.state);
  setCurrentDetails(detailsOf(progress));
}

/** The end of a job is an activity: it must not be lost. Its own retries are bounded, since the status is no truth. */
export async function publishFinal(activities: OrchestratorActivities, job: ScanJob): Promise<void> {
  const progress = job.progress();
  show(job, progress.state);
  setCurrentDetails(detailsOf(progress));
  try {
    await CancellationScope.withTimeout('30s', () => activities.publishStatus(progress));
  } catch (error) {
    log.warn('the end of the job could not be published', { error });
  }
}

function show(job: ScanJob, state: JobState): void {
  if (shown.get(job) === state) return;
  shown.set(job, state);
  upsertSearchAttributes([{ key: stateKey, value: state }]);
}

/** What an operator reads in the Temporal UI, without any other tool. */
function detailsOf(progress: JobProgress): string {
  const { counters, idle, limits } = progress;
  const why = [
    ...(idle === undefined || idle.why === progress.state ? [] : [`, ${idle.why}`]),
    ...(idle?.until === undefined ? [] : [` until ${idle.until}`]),
    ...(idle?.reason === undefined ? [] : [`: ${idle.reason}`]),
    ...(idle?.by === undefined ? [] : [` (by ${idle.by})`]),
  ];
  const lines = [
    `**${progress.state}**${why.join('')}`,
    '',
    ...(limits === undefined ? [] : [`Limits: ${limitsText(limits)} (by ${limits.by}, ${limits.since})`, '']),
    `| listed | ${progress.listed}${progress.listingDone ? '' : ', still listing'} |`,
    '| --- | --- |',
    `| recorded | ${rowsOf(counters)} |`,
    ...Object.entries(counters.outcomes)
      .filter(([, count]) => count > 0)
      .map(([outcome, count]) => `| ${outcome} | ${count} |`),
    `| pages | ${progress.pages.closed} closed, ${progress.pages.open} open, ${progress.pages.listed} listed |`,
    ...(progress.failure === undefined ? [] : ['', `Failed: ${progress.failure.code}: ${progress.failure.message}`]),
    ...progress.gaps.map(
      (gap) => `- gap: ${gap.count} ${gap.class}${gap.detail === undefined ? '' : `: ${gap.detail}`}`,
    ),
  ];
  return lines.join('\n');
}
