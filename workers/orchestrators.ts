import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import type { Logger, Worker } from '@temporalio/worker';
import type { WorkerConfig } from '../config/worker.ts';
import { messageOf } from '../domain/errors.ts';
import { KeptBundles } from './kept-bundles.ts';
import type { Log } from './log.ts';
import { DEPLOYMENT, ownVersion, sdkVersion } from './version.ts';
import { type OtherRun, Versions } from './versions.ts';
import { type OrchestratorOptions, orchestratorWorker, type WorkerOptions } from './workers.ts';
import { workflowBundle } from './workflow-bundle.ts';

const FIRST_TELL_MS = 500;
const LAST_TELL_MS = 32_000;

export interface Orchestrators {
  readonly workers: readonly Worker[];
  /** Call when the workers run: new runs go to this version from then on, and old ones are told. */
  announce(): Promise<void>;
}

/**
 * The worker of this version's workflows, and one for each version before it that still has runs and whose code was kept here:
 * so that an upgrade of a single host leaves no run without a worker.
 *
 * @param bundles where made bundles are kept for the next start of this installation
 */
export async function orchestrators(
  options: WorkerOptions,
  config: WorkerConfig,
  bundles: string,
  log: Log,
  logger: Logger,
): Promise<Orchestrators> {
  const versions = new Versions(options.connection, options.namespace, options.dataConverter);
  const encrypted = config.temporal.codecKeys.length > 0;
  const bundle = await workflowBundle(bundles, logger, encrypted);
  const known = await versions.known();
  if (known === undefined && config.versioning !== 'off') {
    log.warn('this Temporal server has no worker versions: workers run without (DSXCONNECT_WORKER_VERSIONING=off)');
  }
  if (known === undefined)
    return { workers: [await orchestratorWorker({ ...options, bundle })], announce: async () => undefined };

  const own = config.versioning === 'off' ? undefined : ownVersion();
  const build = own?.buildId ?? '';
  const kept = new KeptBundles(config.home, encrypted ? `${sdkVersion()}-encrypted` : sdkVersion());
  if (own !== undefined) keep(kept, build, bundle.code, log);
  const others = await versions.otherRuns(build);
  const workers = [
    await orchestratorWorker({ ...options, bundle, version: own }),
    ...(await formerWorkers(options, kept, others, log)),
  ];
  return {
    workers,
    announce: async () => {
      const promote = (known.current ?? '') !== build && (config.versioning !== 'on' || !known.former.has(build));
      if (!promote) return;
      await versions.makeCurrent(build);
      log.info({ build, before: known.current }, 'new runs go to this version');
      void tellAll(versions, build).catch((error: unknown) =>
        log.warn({ error: messageOf(error) }, 'runs were not told'),
      );
    },
  };
}

/**
 * Tells the runs of other versions until none is left, or for about a minute: a run that does nothing would not notice, and the
 * server itself needs a moment to see that a run's version is not the current one any more. Later each notices by itself.
 */
async function tellAll(versions: Versions, build: string): Promise<void> {
  for (let wait = FIRST_TELL_MS; wait <= LAST_TELL_MS; wait *= 2) {
    const runs = await versions.otherRuns(build);
    if (runs.length === 0) return;
    for (const run of runs) await versions.tell(run.workflowId);
    await sleep(wait, undefined, { ref: false });
  }
}

function keep(kept: KeptBundles, build: string, code: string, log: Log): void {
  try {
    kept.keep(build, code);
  } catch (error) {
    log.warn(
      { error: messageOf(error) },
      'the workflow code could not be kept: a later version cannot serve the runs of this one',
    );
  }
}

async function formerWorkers(
  options: WorkerOptions,
  kept: KeptBundles,
  others: readonly OtherRun[],
  log: Log,
): Promise<Worker[]> {
  const workers: Worker[] = [];
  for (const build of new Set(others.map((run) => run.build))) {
    const runs = others.filter((run) => run.build === build).map((run) => run.workflowId);
    const bundle = kept.find(build);
    if (bundle === undefined) {
      log.warn(
        { build, runs },
        'runs are pinned to a version whose code is not kept here: its own workers must serve them',
      );
      continue;
    }
    log.info({ build, runs }, 'serving the runs of another version until they hand over');
    const version: WorkerDeploymentVersion = { deploymentName: DEPLOYMENT, buildId: build };
    workers.push(await orchestratorWorker({ ...options, bundle, version } satisfies OrchestratorOptions));
  }
  return workers;
}
