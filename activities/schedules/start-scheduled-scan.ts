import { type Client, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { RunNote, ScheduleDefinition } from '../../domain/schedule/schedule.ts';
import { scheduleActor } from '../../domain/schedule/schedule.ts';
import { REFUSAL, type StartRequest } from '../../workflows/messages.ts';
import { startOrJoin } from '../start-scan.ts';
import type { ScheduleActivities } from './types.ts';

/** What a schedule's scan is started with, by the configuration of this process; or why it can't be. */
export type ScheduledScan =
  | { readonly request: Pick<StartRequest, 'source' | 'settings' | 'site'> }
  | { readonly fault: string };

export interface ScheduleDeps {
  readonly client: Client;
  scanOf(definition: ScheduleDefinition): ScheduledScan;
}

/**
 * Starts the scan of a schedule's run, or joins the equal one that runs. Never a second one beside it. Tried again, it is the same
 * start, for the job's id comes from the run.
 */
export function createStartScheduledScan({ client, scanOf }: ScheduleDeps): ScheduleActivities['startScheduledScan'] {
  return async ({ definition, waiter, now, random }) => {
    const { id, weight, limits } = definition;
    const found = scanOf(definition);
    if ('fault' in found) return { outcome: 'failed', reason: 'schedule_invalid', detail: found.fault };
    const request: StartRequest = {
      job: jobId(now, random),
      kind: 'full',
      ...found.request,
      actor: scheduleActor(id),
      ...(weight !== undefined && { weight }),
      ...(limits !== undefined && { limits }),
      waiter,
    };
    try {
      const { job, joined } = await startOrJoin(client, request);
      return { outcome: joined ? 'joined' : 'started', job };
    } catch (error) {
      const refused = refusedStart(error);
      if (refused !== undefined) return refused;
      throw error;
    }
  };
}

/** The run's note when a scan stands in the way; undefined for anything that another try may mend. */
function refusedStart(error: unknown): RunNote | undefined {
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure)) return undefined;
  const { type, message, details } = error.cause;
  if (type === REFUSAL.cancelling) return { outcome: 'skipped', reason: 'job_cancelling', detail: message };
  if (type !== REFUSAL.scanRunning) return undefined;
  const { job } = (details?.[0] ?? {}) as { job?: string };
  return { outcome: 'skipped', reason: 'scan_running', detail: message, ...(job !== undefined && { job }) };
}

/** As the ids that the API makes: they sort by time. */
function jobId(now: number, random: string): string {
  const time = new Date(now).toISOString().replace(/[-:]/g, '');
  const millis = (now % 1000).toString(16).padStart(3, '0');
  return `job-${time.slice(0, 15)}-${millis}${random.slice(0, 6)}`;
}
