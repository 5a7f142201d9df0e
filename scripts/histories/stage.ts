import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ScanSettings } from '../../domain/job.ts';
import { EICAR, writeFiles, writeMany } from '../../test/support/files.ts';
import { Plant, type ScanHandle, type WorkerProcess } from '../../test/support/plant.ts';
import type { StartRequest } from '../../workflows/messages.ts';

/** So few events that a scan of ninety pages continues as new, and the others here do not. */
const SUGGEST_AT = 200;
const INSTANT = { latencyMs: 0, workers: 1_000, token: undefined } as const;

/** The one connector of the stage; all other scans are of folders. */
export const SCHEDULED = 'scheduled';

/** One run to be recorded. Without a run id: the last one. */
export interface Recorded {
  readonly workflowId: string;
  readonly runId?: string;
}

/** Where the scenarios play: a plant with one worker, and folders to scan. */
export class Stage {
  readonly plant: Plant;

  private constructor(plant: Plant) {
    this.plant = plant;
  }

  static async open(): Promise<Stage> {
    const stage = new Stage(await Plant.start({}, [`limit.historyCount.suggestContinueAsNew=${SUGGEST_AT}`]));
    const state = path.join(stage.plant.home, 'state');
    mkdirSync(state, { recursive: true });
    const asset = stage.folder(SCHEDULED, 30);
    const connector = `connectors:\n  - { id: ${SCHEDULED}, kind: filesystem, asset: "${asset}" }\n`;
    writeFileSync(path.join(state, 'dsx-connect.yaml'), connector);
    await stage.worker();
    return stage;
  }

  /** A worker to which new runs go. @param root of another version of the product */
  worker(root?: string): Promise<WorkerProcess> {
    return this.plant.worker({ DSXCONNECT_PAGE_ITEMS: '10', DSXCONNECT_WORKER_VERSIONING: 'current' }, root);
  }

  /** A folder of its own with so many harmless files, and so many that are not. */
  folder(name: string, files: number, malicious = 0): string {
    const folder = path.join(this.plant.folder, name);
    mkdirSync(folder, { recursive: true });
    writeMany(folder, files);
    for (let i = 0; i < malicious; i++) writeFiles(folder, { [`bad/${i}.com`]: EICAR });
    return folder;
  }

  /** Starts a full scan whose workflow id says what it is recorded for. */
  scan(
    name: string,
    folder: string,
    settings: Partial<ScanSettings> = {},
    request: Partial<StartRequest> = {},
  ): Promise<ScanHandle> {
    const source = { kind: 'folder', id: `folder-${name}`, path: folder } as const;
    return this.plant.start(settings, { job: `job-${name}`, source, ...request });
  }

  /** A scanner so slow that a scan is caught in the middle. */
  slow(): void {
    this.plant.standin.setOptions({ ...INSTANT, latencyMs: 100, workers: 4 });
  }

  /** A scanner as it is between scenarios. */
  instant(): void {
    this.plant.standin.reset();
    this.plant.standin.setOptions(INSTANT);
  }

  /** The runs of a workflow, first to last. */
  async runs(workflowId: string): Promise<string[]> {
    const { workflow } = this.plant.client;
    const runs: string[] = [];
    for (let runId: string | undefined = (await workflow.getHandle(workflowId).describe()).runId; runId; ) {
      runs.unshift(runId);
      const { events } = await workflow.getHandle(workflowId, runId).fetchHistory();
      runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? undefined;
    }
    return runs;
  }
}
