import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import {
  type DecideAnswer,
  type DecideRequest,
  GATE,
  GATE_PREFIX,
  type GateView,
  gateWorkflowId,
  WORKFLOW,
} from '../workflows/messages.ts';

/** What the API asks of the workflows that hold item actions. Every method throws ControlError and keeps the deadline it names. */
export interface GateCalls {
  /** Ids of the sources whose gate has something to remember, by visibility (which lags by a second or so). Deadline 3 s. */
  gates(): Promise<string[]>;
  /** Undefined when the source has no gate: nothing waits, and nothing was decided lately. Deadline 3 s. */
  gate(source: string): Promise<GateView | undefined>;
  /** Deadline 10 s. ControlError `list_changed`, `not_waiting`. */
  decide(source: string, request: DecideRequest): Promise<DecideAnswer>;
}

/** Runs a call within a deadline (ms); whatever it throws comes out as a control error. */
export type Asking = <T>(what: string, job: string | undefined, ms: number, call: () => Promise<T>) => Promise<T>;

/** Most sources that are listed. */
const MAX_GATES = 1_000;

export function createGateCalls(
  client: Client,
  asking: Asking,
  deadlines: { readonly steer: number; readonly query: number },
): GateCalls {
  return {
    gates: () =>
      asking('the gates', undefined, deadlines.query, async () => {
        const query = `WorkflowType = "${WORKFLOW.actionGate}" AND ExecutionStatus = "Running"`;
        const found: string[] = [];
        for await (const { workflowId } of client.workflow.list({ query })) {
          found.push(workflowId.slice(GATE_PREFIX.length));
          if (found.length === MAX_GATES) break;
        }
        return found.sort();
      }),

    gate: (source) =>
      asking(`the gate of ${source}`, undefined, deadlines.query, async () => {
        try {
          return await client.workflow.getHandle(gateWorkflowId(source)).query<GateView>(GATE.view);
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return undefined;
          throw error;
        }
      }),

    decide: (source, request) =>
      asking(`the decision about ${source}`, undefined, deadlines.steer, () =>
        client.workflow
          .getHandle(gateWorkflowId(source))
          .executeUpdate<DecideAnswer, [DecideRequest]>(GATE.decide, { args: [request], updateId: request.job }),
      ),
  };
}
