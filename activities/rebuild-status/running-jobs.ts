import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, WorkflowNotFoundError } from '@temporalio/common';
import type { JobProgress } from '../../domain/job.ts';
import type { ObjectRef } from '../../ledger/types.ts';
import { QUERY, requestedScanWorkflowId, SCAN_WORKFLOWS, SEARCH_ATTRIBUTE } from '../../workflows/messages.ts';

const JOB = defineSearchAttributeKey(SEARCH_ATTRIBUTE.job, 'KEYWORD');

/** A workflow that scans, as Temporal lists it (which lags by a second or so). */
export interface RunningScan {
  readonly workflowId: string;
  /** The job's id, where its start told it. */
  readonly job: string | undefined;
  /** Of the run that goes on now: not that of the job once it has continued as new. */
  readonly startedAt: string;
}

/**
 * The scans that run, newest first. At most `limit`.
 * @throws what the client throws
 */
export async function* runningScans(client: Client, limit = 10_000): AsyncGenerator<RunningScan, void, void> {
  const types = SCAN_WORKFLOWS.map((type) => `"${type}"`).join(', ');
  const query = `ExecutionStatus = "Running" AND WorkflowType IN (${types})`;
  let count = 0;
  for await (const found of client.workflow.list({ query })) {
    const { workflowId, startTime, typedSearchAttributes } = found;
    yield { workflowId, job: typedSearchAttributes.get(JOB), startedAt: startTime.toISOString() };
    if (++count >= limit) return;
  }
}

/** Whether a job's scan runs, or waits for a worker. @throws what the client throws */
export async function scanIsOpen(client: Client, job: string): Promise<boolean> {
  const query = `ExecutionStatus = "Running" AND ${SEARCH_ATTRIBUTE.job} = "${job}"`;
  for await (const _ of client.workflow.list({ query, pageSize: 1 })) return true;
  try {
    const { status } = await client.workflow.getHandle(requestedScanWorkflowId(job)).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** What a scan says of itself. @throws what the client throws */
export function progressOfScan(client: Client, workflowId: string, deadlineMs: number): Promise<JobProgress> {
  return within(client, deadlineMs, () => client.workflow.getHandle(workflowId).query<JobProgress>(QUERY.progress));
}

/** Segments with findings that no commit of the scan names yet. @throws what the client throws */
export function uncommittedFindings(client: Client, workflowId: string, deadlineMs: number): Promise<ObjectRef[]> {
  return within(client, deadlineMs, () => client.workflow.getHandle(workflowId).query<ObjectRef[]>(QUERY.uncommitted));
}

/** The client tries an unavailable server again beyond its deadline, so the deadline is kept here too. */
async function within<T>(client: Client, ms: number, call: () => Promise<T>): Promise<T> {
  const answer = client.connection.withDeadline(Date.now() + ms, call);
  answer.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      answer,
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
