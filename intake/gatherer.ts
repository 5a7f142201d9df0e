import { randomBytes } from 'node:crypto';
import { messageOf } from '../domain/errors.ts';
import type { StorageEvent } from '../domain/event.ts';
import { BACKLOG_LIMIT } from '../domain/intake.ts';
import type { IntakePages } from '../ledger/intake-pages.ts';
import type { EventsSignal, OnAccessStart } from '../workflows/messages.ts';
import { type Intake, IntakeError } from './intake.ts';
import { Lane } from './lane.ts';
import { createMarks, type Marked } from './marks.ts';

/** Events that may wait in this process for their page to be handed over. */
const MOST_WAITING = 20_000;
/** What the workflow says of its backlog is believed for so long, in milliseconds. */
const BACKLOG_AGE_MS = 1_000;
/** When to come again, in milliseconds: the waiting drain within a second, a backlog takes longer. */
const WAITING_RETRY_MS = 1_000;
const BACKLOG_RETRY_MS = 10_000;
const UNAVAILABLE_RETRY_MS = 2_000;

/** How the events of a connector are scanned. */
export interface OnAccessTarget extends Omit<OnAccessStart, 'shard'> {
  /** Parts that its events are spread over by location, each with a workflow of its own. Changing it lets some events be scanned twice. */
  readonly shards: number;
  /** Present: all of its events go to this part. */
  readonly shard?: number;
}

/** What of a ledger is needed here. */
export interface IntakeLedger {
  readonly id: string;
  readonly intake: IntakePages;
}

export interface IntakeDeps {
  /** Where pages are written. May reject while the ledger is away. */
  readonly ledger: () => Promise<IntakeLedger>;
  /** Hands a page to its workflow, starting it if need be. Rejects while Temporal is away. */
  readonly handOver: (signal: EventsSignal) => Promise<void>;
  /** As the connector is configured now. @throws for one that is not configured */
  readonly target: (connector: string) => OnAccessTarget;
  /** Events that wait for their scan; undefined when nobody knows. */
  readonly backlog: (source: string, shard: number) => Promise<number | undefined>;
  readonly mostWaiting?: number;
  readonly mostBacklog?: number;
}

/**
 * Gathers events, by connector and shard, for a moment into pages: each is written to the ledger, then handed to its workflow, and only then
 * are its events taken. What waits is bounded, here and there.
 */
export function createIntake(deps: IntakeDeps): Intake {
  const { mostWaiting = MOST_WAITING, mostBacklog = BACKLOG_LIMIT } = deps;
  const writer = randomBytes(8).toString('hex');
  const lanes = new Map<string, Lane>();
  const backlogs = new Map<string, { readonly at: number; readonly events: number }>();
  let waiting = 0;
  let closed = false;
  let marks: { readonly id: string; readonly of: ReturnType<typeof createMarks> } | undefined;

  const laneOf = (connector: string, shard: number): Lane => {
    const key = `${connector}.${shard}`;
    const lane =
      lanes.get(key) ??
      new Lane({
        writer,
        shard,
        pages: async () => (await deps.ledger()).intake,
        handOver: deps.handOver,
        target: () => deps.target(connector),
      });
    lanes.set(key, lane);
    return lane;
  };

  async function checkBacklog(source: string, shard: number): Promise<void> {
    const key = `${source}.${shard}`;
    let known = backlogs.get(key);
    if (known === undefined || Date.now() - known.at > BACKLOG_AGE_MS) {
      known = { at: Date.now(), events: (await deps.backlog(source, shard).catch(() => undefined)) ?? 0 };
      backlogs.set(key, known);
    }
    if (known.events <= mostBacklog) return;
    const message = `${known.events} events of ${source} wait for their scan; no more are taken before they are fewer than ${mostBacklog}.`;
    throw new IntakeError('over_capacity', message, BACKLOG_RETRY_MS);
  }

  async function marksNow(connector: string): Promise<ReturnType<typeof createMarks>> {
    try {
      const { id } = await deps.ledger();
      if (marks?.id !== id) marks = { id, of: createMarks(id) };
      return marks.of;
    } catch (error) {
      throw asIntakeError(connector, error);
    }
  }

  return {
    async add(connector, events, placed) {
      if (closed)
        throw new IntakeError('unavailable', 'This process stops and takes no more events.', UNAVAILABLE_RETRY_MS);
      if (events.length === 0) return;
      if (waiting > 0 && waiting + events.length > mostWaiting) {
        const message = `${waiting} events wait to be handed over; at most ${mostWaiting} may.`;
        throw new IntakeError('over_capacity', message, WAITING_RETRY_MS);
      }
      waiting += events.length;
      try {
        const { source, shards, shard: only } = deps.target(connector);
        const mark = await marksNow(connector);
        const byShard = new Map<number, { lines: { event: StorageEvent; mark: Marked['mark'] }[]; ats: number[] }>();
        for (const [at, event] of events.entries()) {
          const { mark: made, place } = mark(source.id, event);
          const shard = only ?? place % shards;
          const part = byShard.get(shard) ?? { lines: [], ats: [] };
          part.lines.push({ event, mark: made });
          part.ats.push(at);
          byShard.set(shard, part);
        }
        for (const shard of byShard.keys()) await checkBacklog(source.id, shard);
        const handed = await Promise.allSettled(
          [...byShard].map(([shard, { lines, ats }]) =>
            laneOf(connector, shard).add(lines, (at, ref, line) => placed?.(ats[at] as number, ref, line)),
          ),
        );
        for (const one of handed) if (one.status === 'rejected') throw asIntakeError(connector, one.reason);
      } finally {
        waiting -= events.length;
      }
    },
    async close() {
      closed = true;
      await Promise.all([...lanes.values()].map((lane) => lane.settle()));
    },
  };
}

function asIntakeError(connector: string, cause: unknown): IntakeError {
  if (cause instanceof IntakeError) return cause;
  const message = `The events of ${connector} could not be handed over: ${messageOf(cause)}`;
  return new IntakeError('unavailable', message, UNAVAILABLE_RETRY_MS, { cause });
}
