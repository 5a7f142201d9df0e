import type { EventMark, IntakeRef } from '../domain/intake.ts';
import type { ScanSettings, Source } from '../domain/job.ts';

/** The one argument of an on-access workflow, and what every page of events brings along: how they are to be scanned from now on. */
export interface OnAccessStart {
  readonly source: Source;
  readonly shard: number;
  readonly settings: ScanSettings;
  readonly site?: string;
  readonly bounds?: OnAccessBounds;
}

/** When a job on events ends, and when its workflow does. Absent: 100,000 items, a UTC day, two days. */
export interface OnAccessBounds {
  readonly jobItems?: number;
  /** Jobs end whenever so many milliseconds since the epoch are full. */
  readonly dayMs?: number;
  /** A workflow that got no event for so many milliseconds ends. */
  readonly idleMs?: number;
}

/** The argument of the signal `events`: an intake page, and what the workflow needs to know of its lines. */
export interface EventsSignal {
  readonly start: OnAccessStart;
  readonly ref: IntakeRef;
  readonly marks: readonly EventMark[];
  /** Milliseconds from the storage's time of the newest event up to its arrival here. */
  readonly lagMs?: number;
}

/** Messages of an on-access workflow beside those of a job: the signal hands over events, the query tells which intake pages came. */
export const ON_ACCESS = { events: 'events', received: 'received' } as const;

export function onAccessWorkflowId(sourceId: string, shard: number): string {
  return `on-access:${sourceId}:${shard}`;
}
