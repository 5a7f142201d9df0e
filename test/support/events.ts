import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { StorageEvent } from '../../domain/event.ts';
import type { JobProgress, ScanSettings, Source } from '../../domain/job.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { createIntake, type IntakeDeps } from '../../intake/gatherer.ts';
import { createHandOver } from '../../intake/hand-over.ts';
import type { Intake } from '../../intake/intake.ts';
import { type OnAccessBounds, onAccessWorkflowId, QUERY } from '../../workflows/messages.ts';
import type { Plant } from './plant.ts';

/** The intake of a folder below the plant's, and what became of its events. */
export class EventStage {
  readonly plant: Plant;
  readonly intake: Intake;
  readonly folder: string;
  readonly source: Source;
  readonly workflowId: string;
  settings: ScanSettings;
  /** When its jobs end. */
  bounds: OnAccessBounds | undefined;

  constructor(plant: Plant, name: string, settings: Partial<ScanSettings> = {}, deps: Partial<IntakeDeps> = {}) {
    this.plant = plant;
    this.folder = path.join(plant.folder, name);
    mkdirSync(this.folder, { recursive: true });
    this.settings = { filter: '', action: 'nothing', dryRun: false, scanner: 'standin', ...settings };
    const source = plant.source(this.folder);
    this.source = source;
    this.workflowId = onAccessWorkflowId(source.id, 0);
    this.intake = createIntake({
      ledger: async () => plant.ledger,
      handOver: createHandOver(plant.client),
      target: () => ({ source, settings: this.settings, shards: 1, ...(this.bounds && { bounds: this.bounds }) }),
      backlog: async () => undefined,
      ...deps,
    });
  }

  add(...events: StorageEvent[]): Promise<void> {
    return this.intake.add('folder', events);
  }

  progress(): Promise<JobProgress> {
    return this.plant.client.workflow.getHandle(this.workflowId).query<JobProgress>(QUERY.progress);
  }

  /** Until the job says so. */
  async until(check: (progress: JobProgress) => boolean, timeoutMs = 60_000): Promise<JobProgress> {
    const deadline = Date.now() + timeoutMs;
    for (let last: unknown; ; ) {
      try {
        const progress = await this.progress();
        if (check(progress)) return progress;
        last = { ...progress, settings: undefined };
      } catch (error) {
        last = error;
      }
      if (Date.now() > deadline) throw new Error(`not so within ${timeoutMs} ms: ${JSON.stringify(last)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Until every event that came has its row (or lay outside). Then the job, still running. */
  settled(received: number): Promise<JobProgress> {
    return this.until(
      ({ events, pages, listed, counters, outside }) =>
        events?.received === received &&
        events.pending === 0 &&
        pages.closed === pages.listed &&
        listed + outside === received &&
        Object.values(counters.outcomes).reduce((a, b) => a + b, 0) === listed,
    );
  }

  /** Cancels the job that runs and waits for its end. Returns its rows. */
  async end(job: string): Promise<OutcomeRow[]> {
    await this.plant.client.workflow.getHandle(this.workflowId).signal('cancel', { job, actor: 'test' });
    await this.until((progress) => progress.job === job && progress.state === 'cancelled');
    const rows: OutcomeRow[] = [];
    for await (const { body } of this.plant.ledger.job(job).commits()) {
      for (const page of body.pages) rows.push(...(await this.plant.ledger.job(job).readSegment(page.segment)));
    }
    return rows;
  }
}

let made = 0;

/** An event of a location. */
export function eventOf(location: string, facts: Partial<StorageEvent> = {}): StorageEvent {
  return { id: `event-${++made}`, location, at: new Date().toISOString(), ...facts };
}
