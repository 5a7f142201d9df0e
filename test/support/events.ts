import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { StorageEvent } from '../../domain/event.ts';
import type { JobProgress, ScanSettings, Source } from '../../domain/job.ts';
import { createIntake, type IntakeDeps } from '../../intake/gatherer.ts';
import { createHandOver } from '../../intake/hand-over.ts';
import type { Intake } from '../../intake/intake.ts';
import type { OnAccessBounds } from '../../workflows/messages.ts';
import { EventJob } from './event-job.ts';
import type { Plant } from './plant.ts';

/** The intake of a folder below the plant's, and what became of its events. */
export class EventStage extends EventJob {
  readonly intake: Intake;
  readonly folder: string;
  readonly source: Source;
  settings: ScanSettings;
  /** When its jobs end. */
  bounds: OnAccessBounds | undefined;

  constructor(plant: Plant, name: string, settings: Partial<ScanSettings> = {}, deps: Partial<IntakeDeps> = {}) {
    const folder = path.join(plant.folder, name);
    const source = plant.source(folder);
    super(plant, source.id);
    this.folder = folder;
    mkdirSync(this.folder, { recursive: true });
    this.settings = { filter: '', action: 'nothing', dryRun: false, scanner: 'standin', ...settings };
    this.source = source;
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
}

let made = 0;

/** An event of a location. */
export function eventOf(location: string, facts: Partial<StorageEvent> = {}): StorageEvent {
  return { id: `event-${++made}`, location, at: new Date().toISOString(), ...facts };
}
