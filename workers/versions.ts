import { Client, isGrpcServiceError } from '@temporalio/client';
import { type DataConverter, defineSearchAttributeKey } from '@temporalio/common';
import type { NativeConnection } from '@temporalio/worker';
import { SIGNAL } from '../workflows/messages.ts';
import { DEPLOYMENT } from './version.ts';

/** gRPC statuses. */
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
const UNIMPLEMENTED = 12;
/** The server knows a version only after its first poll. Milliseconds. */
const KNOWN_WITHIN_MS = 30_000;
const LOOK_AGAIN_MS = 50;
/** Runs looked at when workers start: as many as can be told of the change at once. */
const MOST_RUNS = 1_000;

/** Set by the server for runs of workers with versions. */
const VERSION = defineSearchAttributeKey('TemporalWorkerDeploymentVersion', 'KEYWORD');

/** A run that is pinned to another version than ours. */
export interface OtherRun {
  readonly workflowId: string;
  readonly build: string;
}

/** What Temporal knows of the versions of our workers. */
export class Versions {
  readonly #connection: NativeConnection;
  readonly #namespace: string;
  readonly #dataConverter: DataConverter | undefined;

  /** @param dataConverter the one that the runs are told with */
  constructor(connection: NativeConnection, namespace: string, dataConverter?: DataConverter) {
    this.#connection = connection;
    this.#namespace = namespace;
    this.#dataConverter = dataConverter;
  }

  /**
   * The build that new runs go to, and the builds that ever had them; undefined where the server has no worker versions (before
   * 1.28, or switched off).
   */
  async known(): Promise<{ current: string | undefined; former: ReadonlySet<string> } | undefined> {
    const { workflowService } = this.#connection;
    try {
      const { workerDeploymentInfo } = await workflowService.describeWorkerDeployment({
        namespace: this.#namespace,
        deploymentName: DEPLOYMENT,
      });
      const current = workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId ?? undefined;
      const former = (workerDeploymentInfo?.versionSummaries ?? [])
        .filter((summary) => summary.firstActivationTime != null)
        .map((summary) => summary.deploymentVersion?.buildId ?? '');
      return { current, former: new Set(former) };
    } catch (error) {
      if (statusOf(error) === NOT_FOUND) return { current: undefined, former: new Set() };
      if (statusOf(error) === UNIMPLEMENTED || statusOf(error) === FAILED_PRECONDITION) return undefined;
      throw error;
    }
  }

  /**
   * Makes a build the one that new runs go to; an empty one stands for workers without a version.
   * @throws the server's error when it does not know the build after a while
   */
  async makeCurrent(build: string): Promise<void> {
    const deadline = Date.now() + KNOWN_WITHIN_MS;
    for (;;) {
      try {
        await this.#connection.workflowService.setWorkerDeploymentCurrentVersion({
          namespace: this.#namespace,
          deploymentName: DEPLOYMENT,
          buildId: build,
          identity: 'dsx-connect worker',
          ignoreMissingTaskQueues: true,
        });
        return;
      } catch (error) {
        const status = statusOf(error);
        if ((status !== NOT_FOUND && status !== FAILED_PRECONDITION) || Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      }
    }
  }

  /** The runs that are pinned to other builds. */
  async otherRuns(build: string): Promise<OtherRun[]> {
    const own = `${DEPLOYMENT}:${build}`;
    const query = `ExecutionStatus = "Running" AND TemporalWorkerDeployment = "${DEPLOYMENT}" AND TemporalWorkerDeploymentVersion != "${own}"`;
    const runs: OtherRun[] = [];
    for await (const run of this.#client.workflow.list({ query })) {
      const other = buildOf(run.typedSearchAttributes.get(VERSION));
      if (other !== undefined) runs.push({ workflowId: run.workflowId, build: other });
      if (runs.length >= MOST_RUNS) break;
    }
    return runs;
  }

  /** Lets a run notice that there is another version. A run that has just ended needs nothing. */
  async tell(workflowId: string): Promise<void> {
    await this.#client.workflow
      .getHandle(workflowId)
      .signal(SIGNAL.version)
      .catch(() => undefined);
  }

  get #client(): Client {
    return new Client({
      connection: this.#connection,
      namespace: this.#namespace,
      ...(this.#dataConverter !== undefined && { dataConverter: this.#dataConverter }),
    });
  }
}

/** Temporal writes a version as `deployment:build`. */
function buildOf(version: string | undefined): string | undefined {
  return version?.startsWith(`${DEPLOYMENT}:`) ? version.slice(DEPLOYMENT.length + 1) : undefined;
}

function statusOf(error: unknown): number | undefined {
  return isGrpcServiceError(error) ? error.code : undefined;
}
