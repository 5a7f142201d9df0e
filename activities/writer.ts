import type { Info } from '@temporalio/activity';
import type { Writer } from '../ledger/types.ts';

/** Who writes an object of the ledger: this attempt of this activity. */
export function writerOf(info: Info): Writer {
  return {
    run: info.workflowExecution?.runId ?? '-',
    activity: info.activityId,
    attempt: info.attempt,
  };
}
