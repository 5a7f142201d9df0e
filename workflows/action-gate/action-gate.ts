import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { countWaiting } from '../../domain/approval.ts';
import type { Source } from '../../domain/job.ts';
import {
  type AskAnswer,
  type AskRequest,
  applyWorkflowId,
  type DecideAnswer,
  type DecideRequest,
  GATE,
  type GateView,
  QUEUE,
  SEARCH_ATTRIBUTE,
  type StartRequest,
  WORKFLOW,
} from '../messages.ts';
import { Gate, type GateState } from './gate.ts';

const askUpdate = defineUpdate<AskAnswer, [AskRequest]>(GATE.ask);
const decideUpdate = defineUpdate<DecideAnswer, [DecideRequest]>(GATE.decide);
const viewQuery = defineQuery<GateView>(GATE.view);
const keyOf = (name: string) => defineSearchAttributeKey(name, 'KEYWORD');
/** Temporal's longest timer is far above this; a gate wakes up once in a while for nothing. */
const LONGEST_WAIT_MS = 86_400_000;

/**
 * The brake of one source: answers jobs that ask whether they may act, keeps the findings that wait, takes decisions about them
 * and starts the jobs that carry them out. Ends when it has nothing to remember; whoever asks next starts it anew.
 */
export async function actionGate(source: Source, carried?: GateState): Promise<void> {
  const gate = carried === undefined ? Gate.begin(source) : new Gate(carried);
  let news = true;
  // What starts a gate is somebody who asks: until then it has nothing to remember, and must not end all the same.
  let asked = carried !== undefined;
  const changed = (): void => {
    news = true;
    asked = true;
    setCurrentDetails(`${countWaiting(gate.state.waiting)} findings wait for approval`);
  };
  setHandler(viewQuery, () => gate.view());
  setHandler(askUpdate, (request) => {
    const answer = gate.ask(request, Date.now());
    changed();
    return answer;
  });
  setHandler(
    decideUpdate,
    async (request) => {
      // Another decision may have been accepted in the same breath.
      refuse(gate, request);
      const { answer, starts } = gate.decide(request, Date.now());
      changed();
      for (const start of starts) await CancellationScope.nonCancellable(() => startApply(start));
      return answer;
    },
    { validator: (request) => refuse(gate, request) },
  );
  // Whoever cancels a gate would lose the list: it goes on. Temporal's Terminate is the way to drop it.
  await CancellationScope.nonCancellable(async () => {
    await condition(() => asked, LONGEST_WAIT_MS);
    for (;;) {
      news = false;
      const idleIn = gate.idleIn(Date.now());
      const done = (): boolean => gate.idleIn(Date.now()) === 0 && allHandlersFinished();
      const handOver = (): boolean => workflowInfo().continueAsNewSuggested && allHandlersFinished();
      if (done() || handOver()) return;
      const wait = Math.ceil(Math.min(idleIn ?? LONGEST_WAIT_MS, LONGEST_WAIT_MS)) + 1;
      await condition(() => news || handOver(), wait);
      await condition(allHandlersFinished);
    }
  });
  if (gate.idleIn(Date.now()) === 0) return;
  await continueAsNew<typeof actionGate>(source, gate.state);
}

function refuse(gate: Gate, request: DecideRequest): void {
  const refusal = gate.refusal(request);
  if (refusal !== undefined) throw ApplicationFailure.nonRetryable(refusal.message, refusal.type);
}

/** The job goes its own way, whatever becomes of the gate. */
async function startApply(request: StartRequest): Promise<void> {
  const { job, source, order } = request;
  if (order === undefined) throw new TypeError(`job ${job} has no order`);
  await startChild(WORKFLOW.applyActions, {
    workflowId: applyWorkflowId(job, order),
    taskQueue: QUEUE.orchestrate,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    args: [request],
    typedSearchAttributes: [
      { key: keyOf(SEARCH_ATTRIBUTE.job), value: job },
      { key: keyOf(SEARCH_ATTRIBUTE.connector), value: source.id },
      { key: keyOf(SEARCH_ATTRIBUTE.state), value: 'running' },
    ],
    staticSummary: `Actions of job ${order.job}, ${order.why} by ${order.by}`,
    priority: { fairnessKey: job, priorityKey: 2 },
  });
}
