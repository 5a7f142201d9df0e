import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { JobState } from '../../domain/job.ts';
import { fullScanWorkflowId, SEARCH_ATTRIBUTE } from '../../workflows/messages.ts';
import type { ScheduleActivities } from './types.ts';

const JOB = defineSearchAttributeKey(SEARCH_ATTRIBUTE.job, 'KEYWORD');
const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.state, 'KEYWORD');

/** Looks whether a scan still goes on: the workflow of its connector may be gone, or be another job's by now. */
export function createLookAtScan({ client }: { readonly client: Client }): ScheduleActivities['lookAtScan'] {
  return async ({ definition: { connector: id }, job }) => {
    try {
      const { status, typedSearchAttributes } = await client.workflow
        .getHandle(fullScanWorkflowId({ kind: 'connector', id }))
        .describe();
      if (typedSearchAttributes.get(JOB) !== job) return { open: false };
      if (status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW') return { open: true };
      const state = typedSearchAttributes.get(STATE) as JobState | undefined;
      return { open: false, ...(status.name === 'COMPLETED' && state !== undefined && { state }) };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { open: false };
      throw error;
    }
  };
}
