import { ApplicationFailure, defineSearchAttributeKey } from '@temporalio/common';
import {
  condition,
  defineSignal,
  makeContinueAsNewFunc,
  proxyActivities,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { ScheduleActivities } from '../../activities/schedules/types.ts';
import type { RunNote, ScheduleDefinition } from '../../domain/schedule/schedule.ts';
import { RUN_MEMO, type ScanEnded, SEARCH_ATTRIBUTE, SIGNAL } from '../messages.ts';
import { handOverDue, versionChanged } from '../scan-job/hand-over.ts';

/** A scan tells its end by a signal. One that was terminated can't: after so long the run looks for itself. */
const LOOK_EVERY = '1h';
const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.state, 'KEYWORD');
const ended = defineSignal<[ScanEnded]>(SIGNAL.ended);
const version = defineSignal(SIGNAL.version);

/** What a run must not forget. */
interface Carried {
  readonly note: RunNote;
  readonly leftVersion?: string;
}
type Run = (definition: ScheduleDefinition, carried: Carried) => Promise<RunNote>;

/**
 * One run of a schedule: starts the scan of its connector, or joins the equal one that runs, and waits for its end, so that Temporal's
 * overlap policy sees how long a scan takes. Cancelling the run cancels no scan.
 */
export async function scheduledScan(definition: ScheduleDefinition, carried?: Carried): Promise<RunNote> {
  const told: { end?: ScanEnded; news: boolean } = { news: false };
  setHandler(ended, (end) => {
    told.end = end;
  });
  setHandler(version, () => {
    told.news = true;
  });
  const { startScheduledScan, lookAtScan } = proxyActivities<ScheduleActivities>({
    startToCloseTimeout: '1m',
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', maximumInterval: '30s' },
  });
  let note = carried?.note;
  if (note === undefined) {
    const { workflowId } = workflowInfo();
    note = await startScheduledScan({ definition, waiter: workflowId, now: Date.now(), random: uuid4() });
    write(note);
  }
  if (note.outcome === 'failed') throw ApplicationFailure.nonRetryable(note.detail, note.reason);
  const { job } = note;
  if (note.outcome === 'skipped' || job === undefined) return note;
  // The end of another job that this run is not about may come late, from a start that was tried twice.
  const isOver = () => told.end?.job === job;
  while (!isOver()) {
    if (handOverDue(carried ?? {})) return await handOver(definition, { ...carried, note });
    told.news = false;
    if (await condition(() => isOver() || told.news, LOOK_EVERY)) continue;
    const seen = await lookAtScan({ definition, job }).catch(() => ({ open: true }) as const);
    if (!seen.open && !isOver()) return finished(note, seen.state);
  }
  return finished(note, told.end?.state);
}

function finished(note: RunNote, state: RunNote['state']): RunNote {
  const last = { ...note, ...(state !== undefined && { state }) };
  upsertMemo({ [RUN_MEMO]: last });
  return last;
}

/** Where Temporal lists the run. */
function write(note: RunNote): void {
  upsertMemo({ [RUN_MEMO]: note });
  upsertSearchAttributes([{ key: STATE, value: note.outcome }]);
}

async function handOver(definition: ScheduleDefinition, carried: Carried): Promise<never> {
  if (!versionChanged(carried)) return await makeContinueAsNewFunc<Run>()(definition, carried);
  const leftVersion = workflowInfo().currentDeploymentVersion?.buildId;
  const next = makeContinueAsNewFunc<Run>({ initialVersioningBehavior: 'AUTO_UPGRADE' });
  return await next(definition, { ...carried, ...(leftVersion !== undefined && { leftVersion }) });
}
