import type { JobContext } from '../../activities/types.ts';
import type { ActionTask } from './actions.ts';
import type { JobActivities } from './proxies.ts';
import type { ScanJob } from './scan-job.ts';

/** What the driver does with every promise and with every failure. */
export interface Hands {
  own<T>(promise: Promise<T>, onValue: (value: T) => void, onError: (error: unknown) => void): void;
  /** A hold that a probe ends, or the job's failure. */
  blame(error: unknown): void;
  /** The same for activities of the workers beside the storage, any one of which may be cut off from it. */
  blameWorker(error: unknown): void;
}

/** Starts every activity that the rules of item actions ask for now. */
export function driveActions(job: ScanJob, act: JobActivities, context: JobContext, hands: Hands): void {
  const { actions } = job;
  for (let page = actions.takePlan(); page !== undefined; page = actions.takePlan()) {
    const taken = page;
    hands.own(
      act.orchestrator.planActions({ ...context, page }),
      (plan) => actions.planned(plan, taken),
      (error) => {
        actions.notPlanned(taken);
        hands.blame(error);
      },
    );
  }
  if (actions.takeGathering()) gather(job, act, context, hands);
  for (let task = actions.take(); task !== undefined; task = actions.take()) {
    if (task.ask) ask(job, act, context, hands, task);
    else apply(job, act, context, hands, task);
  }
}

function gather(job: ScanJob, act: JobActivities, context: JobContext, hands: Hands): void {
  const { order, picks, items } = job.state.request;
  if (order === undefined) throw new TypeError(`job ${job.id} has no order`);
  hands.own(
    act.orchestrator.gatherActions({
      ...context,
      order,
      ...(picks !== undefined && { picks }),
      ...(items !== undefined && { items }),
    }),
    (gathered) => job.actions.gathered(gathered),
    (error) => {
      job.actions.notGathered();
      hands.blame(error);
    },
  );
}

function ask(job: ScanJob, act: JobActivities, context: JobContext, hands: Hands, task: ActionTask): void {
  const { intents, from, to } = task;
  const { site } = job.state.request;
  hands.own(
    act.orchestrator.askActions({ ...context, ...(site !== undefined && { site }), intents, from, to }),
    (answer) => job.actions.asked(task, answer),
    (error) => {
      job.actions.notDone(task);
      hands.blame(error);
    },
  );
}

function apply(job: ScanJob, act: JobActivities, context: JobContext, hands: Hands, task: ActionTask): void {
  const { ask: _, page: __, ...batch } = task;
  const { order } = job.state.request;
  hands.own(
    act.actions.applyActions({ ...context, ...batch, ...(order !== undefined && { order }) }),
    (done) => job.actions.applied(done, task),
    (error) => {
      job.actions.notDone(task);
      hands.blameWorker(error);
    },
  );
}
