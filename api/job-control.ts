import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, isGrpcCancelledError, isGrpcDeadlineError, WorkflowFailedError } from '@temporalio/client';
import { runningScans } from '../activities/rebuild-status/running-jobs.ts';
import { rebuildSources } from '../activities/rebuild-status/sources.ts';
import { startOptions, startOrJoin } from '../activities/start-scan.ts';
import { CodedError } from '../domain/errors.ts';
import type { JobProgress } from '../domain/job.ts';
import {
  type ControlAnswer,
  type ControlRequest,
  QUERY,
  QUEUE,
  requestedScanWorkflowId,
  SEARCH_ATTRIBUTE,
  SIGNAL,
  type StartAnswer,
  type StartRequest,
  UPDATE,
  WORKFLOW,
} from '../workflows/messages.ts';
import { createConnectorCalls } from './connector-control.ts';
import { ControlError, DEADLINE_MS, type JobControl, type RunningScan } from './control.ts';
import { controlError } from './control-failure.ts';
import { honoursFairness } from './fairness.ts';
import { createGateCalls } from './gate-control.ts';
import { createRemoteCalls } from './old/remote-control.ts';
import { createScheduleCalls } from './schedule-control.ts';
import { createStorageCalls } from './storage-control.ts';
import { createWatchCalls } from './watch-control.ts';

/** An answer that takes longer makes us ask whether the server is there at all, for as long again. In milliseconds. */
const PATIENCE_MS = 1_000;
/** What could not be found out is asked again after this. In milliseconds. */
const FAIRNESS_AGAIN_MS = 60_000;

/** `JobControl` on a Temporal client, whose connection may be lazy. `address` is for messages; deadlines in milliseconds. */
export function createJobControl(
  client: Client,
  address: string,
  deadlines: Readonly<typeof DEADLINE_MS> = DEADLINE_MS,
): JobControl {
  const { connection } = client;
  let fairness: Promise<boolean> | undefined;
  const within = <T>(ms: number, what: () => Promise<T>): Promise<T> => connection.withDeadline(Date.now() + ms, what);

  /** Runs a call; whatever it throws comes out as a control error. A server that is not there is found out early. */
  async function asking<T>(what: string, job: string | undefined, ms: number, call: () => Promise<T>): Promise<T> {
    const answered = new AbortController();
    const answer = within(ms, call);
    answer.catch(() => undefined);
    try {
      return await Promise.race([answer, untilMissing(Math.min(PATIENCE_MS, ms / 3), answered.signal)]);
    } catch (error) {
      throw controlError(what, job, error);
    } finally {
      answered.abort();
    }
  }

  /** Settles only when the server does not answer at all: a call to it would then only run into its deadline, or past it. */
  async function untilMissing(patienceMs: number, answered: AbortSignal): Promise<never> {
    try {
      await sleep(patienceMs, undefined, { signal: answered });
      const there = within(patienceMs, () => connection.workflowService.getSystemInfo({}));
      there.catch(() => undefined);
      const late = sleep(patienceMs, false, { signal: answered });
      if ((await Promise.race([there, late])) === false) throw new Error('no answer');
    } catch (cause) {
      if (!answered.aborted) {
        const message = `Temporal at ${address} does not answer. Start it, or set TEMPORAL_ADDRESS.`;
        throw new ControlError('temporal_unreachable', message, { cause });
      }
    }
    return new Promise<never>(() => undefined);
  }

  const startOnce = (request: StartRequest): Promise<StartAnswer> =>
    asking(`the start of job ${request.job}`, request.job, deadlines.steer, () => startOrJoin(client, request));

  const progress = (workflowId: string): Promise<JobProgress> =>
    asking(`the progress of ${workflowId}`, undefined, deadlines.query, () =>
      client.workflow.getHandle(workflowId).query<JobProgress>(QUERY.progress),
    );

  /** No worker is there: a signal waits for one, and is read before anything else is begun. */
  async function cancelLater(workflowId: string, request: ControlRequest): Promise<ControlAnswer> {
    const { job, actor, reason } = request;
    await asking(`the cancel of job ${job}`, job, deadlines.query, () =>
      client.workflow.getHandle(workflowId).signal(SIGNAL.cancel, request),
    );
    const idle = { why: 'cancelling' as const, by: actor, ...(reason !== undefined && { reason }) };
    return { job, state: 'cancelling', idle, revision: 0 };
  }

  return {
    ...createConnectorCalls(client, asking, deadlines),
    ...createGateCalls(client, asking, deadlines),
    ...createStorageCalls(client, asking, deadlines),
    ...createWatchCalls(client, asking, deadlines),
    ...createRemoteCalls(client, asking, deadlines),
    schedules: createScheduleCalls(client, asking, deadlines),

    async start(request) {
      try {
        return await startOnce(request);
      } catch (error) {
        // The scan that was to be joined ended at this moment: another start is the next one.
        if (error instanceof ControlError && (error.code === 'not_found' || error.code === 'job_ended')) {
          return startOnce(request);
        }
        throw error;
      }
    },

    async startRequested(request) {
      await asking(`the start of job ${request.job}`, request.job, deadlines.steer, () =>
        client.workflow.start(WORKFLOW.requestedScan, { ...startOptions(request), workflowIdConflictPolicy: 'FAIL' }),
      );
    },

    async untilEnded(job, ms, signal) {
      if (ms <= 0 || signal.aborted) return false;
      try {
        const result = connection.withAbortSignal(signal, () =>
          within(ms, () => client.workflow.getHandle(requestedScanWorkflowId(job)).result()),
        );
        await result;
        return true;
      } catch (error) {
        // A job that failed has ended, too: its account says how.
        if (error instanceof WorkflowFailedError) return true;
        if (isGrpcDeadlineError(error) || isGrpcCancelledError(error)) return false;
        throw controlError(`waiting for job ${job}`, job, error);
      }
    },

    async steer(workflowId, verb, request) {
      const { job } = request;
      try {
        return await asking(`${verb} of job ${job}`, job, deadlines.steer, () =>
          client.workflow
            .getHandle(workflowId)
            .executeUpdate<ControlAnswer, [typeof request]>(UPDATE[verb], { args: [request] }),
        );
      } catch (error) {
        // A cancel is acknowledged when no page can start a scan any more, which may take longer than anybody waits.
        if (!(error instanceof ControlError) || error.code !== 'no_worker' || verb !== 'cancel') throw error;
        const now = await progress(workflowId).catch(() => undefined);
        if (now === undefined) return cancelLater(workflowId, request);
        if (now.job !== job || now.state !== 'cancelling') throw error;
        return { job, state: now.state, ...(now.idle !== undefined && { idle: now.idle }), revision: now.revision };
      }
    },

    setLimits: (workflowId, request) =>
      asking(`the limits of job ${request.job}`, request.job, deadlines.steer, () =>
        client.workflow
          .getHandle(workflowId)
          .executeUpdate<ControlAnswer, [typeof request]>(UPDATE.setLimits, { args: [request] }),
      ),

    progress,

    find: (job) =>
      asking(`the search for job ${job}`, job, deadlines.query, async () => {
        if (!/^[A-Za-z0-9._-]+$/.test(job)) return undefined;
        const query = `${SEARCH_ATTRIBUTE.job} = "${job}"`;
        for await (const found of client.workflow.list({ query, pageSize: 1 })) return found.workflowId;
        return undefined;
      }),

    scans: () =>
      asking('the list of scans', undefined, deadlines.query, async () => {
        const found: RunningScan[] = [];
        for await (const scan of runningScans(client)) found.push(scan);
        return found;
      }),

    sources(ledger) {
      const sources = rebuildSources(client, ledger);
      return {
        ...sources,
        async *running(limit) {
          try {
            yield* sources.running(limit);
          } catch (error) {
            throw error instanceof CodedError ? error : controlError('the list of scans', undefined, error);
          }
        },
      };
    },

    async fair() {
      fairness ??= asking('the check of fairness', undefined, deadlines.steer, () => honoursFairness(client));
      try {
        return await fairness;
      } catch (error) {
        // Asked again later: each try is a workflow of its own.
        setTimeout(() => {
          fairness = undefined;
        }, FAIRNESS_AGAIN_MS).unref();
        throw error;
      }
    },

    queues: (names) =>
      asking('the task queues', undefined, deadlines.query, () =>
        Promise.all(
          names.map(async (queue) => {
            const { pollers } = await connection.workflowService.describeTaskQueue({
              namespace: client.options.namespace,
              taskQueue: { name: queue },
              taskQueueType: queue === QUEUE.orchestrate ? 1 : 2,
            });
            const seen = (pollers ?? []).map((poller) => Number(poller.lastAccessTime?.seconds ?? 0) * 1000);
            return { queue, age: seen.length === 0 ? undefined : Math.max(0, Date.now() - Math.max(...seen)) };
          }),
        ),
      ),
  };
}
