import { type Event, intersection, type Span, union } from '../timeline.ts';

/**
 * What a worker did since its last checkpoint that Temporal heard of is done again: a checkpoint a second, sent at most 1.5 s later,
 * and what writing it takes on a busy machine.
 */
export const CHECKPOINT_MS = 3_000;
/** After a server or a link is back, its clients find the way again within this: gRPC and HTTP pools wait before they dial again. */
const RECOVERY_MS = 5_000;
/** A worker that has not heard from Temporal for 5 s begins nothing more. */
const SILENCE_MS = 5_000;
/** What was on its way when it happened. */
const ON_THE_WAY_MS = 1_500;

/** What the faults of a run mean for one worker. */
export interface WorkerSpans {
  /** When what was in flight, or done since the last checkpoint, may have to be scanned again. Made one. */
  readonly lossy: readonly Span[];
  /** When it could do no work: down, frozen, or cut off from what it needs. Made one. */
  readonly out: readonly Span[];
}

/** Faults that are still going on last until `now`. */
export function spansOf(worker: string, events: readonly Event[], now: number): WorkerSpans {
  const lossy: Span[] = [];
  const out: Span[] = [];
  for (const event of events) {
    const { fault, from } = event;
    const to = Math.min(event.to, now);
    const on = fault.kind === 'toxic' ? fault.link : fault.part;
    if (on === worker) {
      lossy.push({ from: from - CHECKPOINT_MS, to: (fault.kind === 'stop' ? to : from) + ON_THE_WAY_MS });
      out.push({ from, to: to + RECOVERY_MS });
    } else if (on === 'temporal' || on === `${worker}>temporal`) {
      const silent = isSilence(event) ? from + SILENCE_MS + ON_THE_WAY_MS : Number.POSITIVE_INFINITY;
      lossy.push({ from: from - CHECKPOINT_MS, to: Math.min(to + RECOVERY_MS, silent) });
      out.push({ from, to: to + RECOVERY_MS });
    } else if (on === 'standin' || on === `${worker}>standin`) {
      lossy.push({ from: from - ON_THE_WAY_MS, to: to + RECOVERY_MS });
      out.push({ from, to: to + RECOVERY_MS });
    }
  }
  return { lossy: union(lossy), out: union(out) };
}

/** Whether nothing gets through, rather than late or now and then. */
function isSilence({ fault }: Event): boolean {
  return fault.kind !== 'toxic' || fault.toxic.type === 'timeout';
}

/** When nobody could work: all workers were out at once. */
export function nobodyWorks(workers: readonly WorkerSpans[]): Span[] {
  return workers.length === 0 ? [] : union(intersection(workers.map(({ out }) => out)));
}
