import type { Client } from '@temporalio/client';
import { DefaultLogger, type NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { JobProgress } from '../../../domain/job.ts';
import { rowsOf } from '../../../domain/outcome.ts';
import { connectTemporal } from '../../../workers/connection.ts';
import { workflowBundle } from '../../../workers/workflow-bundle.ts';
import { type ControlRequest, QUERY, QUEUE, UPDATE } from '../../../workflows/messages.ts';
import type { JobResult } from '../../../workflows/scan-job/state.ts';
import { MemoryWatch } from '../process.ts';
import { type RunFigures, runsOf } from '../runs.ts';
import { type StartedScan, startFullScan } from '../scan-client.ts';
import { Simulation } from './activities.ts';

/** The largest page that planning writes where nothing else is configured. */
const PAGE_ITEMS = 5_000;
/** Pages in flight: as of a job that several workers share. */
const WINDOW = 16;
const SAY_EVERY_MS = 15_000;

export interface SimulationFigures {
  readonly items: number;
  readonly pages: number;
  readonly seconds: number;
  /** This process, which is the worker: means over the second and the last quarter of the scan. */
  readonly workerBytes: { readonly early: number; readonly late: number };
  readonly runs: readonly RunFigures[];
  readonly commits: number;
  readonly actionBatches: number;
  readonly rescans: number;
  /** Times that the job was seen paused, and held. */
  readonly seen: { readonly paused: boolean; readonly held: boolean };
  /** Every promise of the account that does not hold; none when it is exact. */
  readonly wrong: readonly string[];
}

/** Serves every queue of ours with simulated activities, and the real workflows. @returns what stops it */
async function startWorkers(connection: NativeConnection, activities: object): Promise<() => Promise<void>> {
  const bundle = await workflowBundle(undefined, new DefaultLogger('ERROR'));
  const workers = await Promise.all(
    Object.values(QUEUE).map((taskQueue) =>
      Worker.create({
        connection,
        taskQueue,
        activities,
        ...(taskQueue === QUEUE.orchestrate && { workflowBundle: bundle, sinks: { status: noSink } }),
      }),
    ),
  );
  const running = Promise.all(workers.map((worker) => worker.run()));
  return async () => {
    for (const worker of workers) worker.shutdown();
    await running;
  };
}

const noSink = { publish: { fn: () => undefined } };

/**
 * Carries the real workflow through a scan of so many items on a real Temporal server; the activities only pretend. A third of
 * the way it is paused and resumed, and at two thirds the scanner stays away until the job was seen held.
 * @param say told now and then how far it is
 */
export async function simulate(
  address: string,
  client: Client,
  items: number,
  say?: (line: string) => void,
): Promise<SimulationFigures> {
  const estimate = Math.max(3, Math.floor(items / PAGE_ITEMS));
  const simulation = new Simulation(items, PAGE_ITEMS, Math.floor((estimate * 2) / 3));
  const connection = await connectTemporal({ address, namespace: 'default', tls: undefined, codecKeys: [] });
  const stop = await startWorkers(connection, simulation.activities());
  const telling = setInterval(() => say?.(`${simulation.pagesClosed} of about ${estimate} pages`), SAY_EVERY_MS);
  try {
    const began = performance.now();
    const scan = await startFullScan(
      client,
      { kind: 'connector', id: `simulated-${items}` },
      { filter: '', action: 'delete', dryRun: false, scanner: 'dsxa' },
      { window: WINDOW },
    );
    const seen = steer(client, scan, simulation, estimate)
      .catch(() => ({ paused: false, held: false }))
      .finally(() => simulation.scannerBack());
    const watch = new MemoryWatch(process.pid);
    const result = await scan.result().finally(() => watch.stop());
    simulation.end();
    const workerBytes = watch.stop();
    const seconds = (performance.now() - began) / 1000;
    return {
      items,
      pages: simulation.books.pages,
      seconds,
      workerBytes,
      runs: await runsOf(client, scan.workflow, scan.firstRun),
      commits: simulation.books.commits,
      actionBatches: simulation.books.actions,
      rescans: simulation.rescans,
      seen: await seen,
      wrong: wrongIn(result, simulation),
    };
  } finally {
    clearInterval(telling);
    await stop();
    await connection.close();
  }
}

/** Pauses and resumes the job in its middle, and watches that it is held where the scanner stays away. */
async function steer(client: Client, scan: StartedScan, simulation: Simulation, pages: number) {
  const handle = client.workflow.getHandle(scan.workflow);
  const request: ControlRequest = { job: scan.job, actor: 'bench', reason: 'in the middle' };
  const until = async (is: (progress: JobProgress) => boolean) => {
    for (;;) {
      const progress = await handle.query<JobProgress>(QUERY.progress);
      if (is(progress)) return true;
      if (progress.endedAt !== undefined) return false;
    }
  };
  await simulation.closed(Math.floor(pages / 3));
  await handle.executeUpdate(UPDATE.pause, { args: [request] });
  const paused = await until((progress) => progress.state === 'paused' && progress.pages.open === 0);
  await handle.executeUpdate(UPDATE.resume, { args: [request] });
  await simulation.scannerAway;
  const held = await until((progress) => progress.state === 'held');
  return { paused, held };
}

function wrongIn(result: JobResult, simulation: Simulation): string[] {
  const { books, storage, rescans } = simulation;
  const wrong: string[] = [];
  const expect = (what: string, found: unknown, wanted: unknown) => {
    if (JSON.stringify(found) !== JSON.stringify(wanted)) wrong.push(`${what}: ${found}, not ${wanted}`);
  };
  expect('state', result.state, 'completed_with_gaps');
  expect('listed', result.listed, storage.items + rescans);
  expect('rows by the counters', rowsOf(result.counters), storage.items + rescans);
  expect('counters', result.counters, books.counters);
  expect('actions done', result.actions.done, simulation.actionsDone);
  expect('actions refused', result.actions.refused, simulation.actionsRefused);
  expect(
    'actions for all findings',
    simulation.actionsDone + simulation.actionsRefused,
    result.counters.outcomes.malicious,
  );
  expect('the account of the last commit', books.account?.counters, result.counters);
  return wrong;
}

/** Must come before the first worker of this process. */
export function quietRuntime(): void {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
}
