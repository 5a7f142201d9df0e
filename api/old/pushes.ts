import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { versionOf } from '../../connectors/remote/version.ts';
import type { StorageEvent } from '../../domain/event.ts';
import { PUSHED_SHARD, type RemoteEntry } from '../../domain/remote.ts';
import type { OnAccessTarget } from '../../intake/gatherer.ts';
import { type Intake, IntakeError } from '../../intake/intake.ts';
import { remoteTarget } from '../../intake/remote-target.ts';
import type { WrittenAt } from './push-task.ts';
import type { ScanRequestModel } from './remote-schemas.ts';

/** Former connectors wait 5 s for an answer, and then lose what they sent: all that is tried for them lies within this. Milliseconds. */
const LONGEST_MS = 4_000;
const AGAIN_MS = 500;
/** Items that wait for their scan at which answers get slower, and at which they are slowest. */
const SLOW_FROM = 50_000;
const SLOWEST_FROM = 250_000;
const SLOWEST_MS = 3_000;

export interface PushesDeps {
  /** An intake whose target is `target` below. */
  readonly intake: (target: (key: string) => OnAccessTarget) => Intake;
  readonly backlog: (source: string, shard: number) => Promise<number | undefined>;
  readonly scanner: string;
}

/** What takes what remote connectors push. */
export interface Pushes {
  /**
   * Resolves when all are written down and handed to their scan: of the job that the connector was asked for, or of what it finds by
   * itself. A flood is held back by slow answers, not by refusals, which former connectors take for success.
   * @returns where each was written down
   * @throws IntakeError when the ledger or Temporal stay away
   */
  take(entry: RemoteEntry, requests: readonly ScanRequestModel[], ofScan: boolean): Promise<readonly WrittenAt[]>;
  close(): Promise<void>;
}

export function createPushes({ intake: open, backlog, scanner }: PushesDeps): Pushes {
  const entries = new Map<string, RemoteEntry>();
  const intake = open((key) => {
    const [uuid = '', scan] = key.split('/');
    const entry = entries.get(uuid);
    if (entry === undefined) throw new RangeError(`nothing of ${uuid} was pushed`);
    const target = remoteTarget(entry, scanner);
    return scan === undefined ? target : { ...target, shard: PUSHED_SHARD };
  });

  return {
    async take(entry, requests, ofScan) {
      entries.set(entry.uuid, entry);
      const events = requests.map((request) => eventOf(request, ofScan));
      const deadline = Date.now() + LONGEST_MS;
      const written: WrittenAt[] = [];
      const key = ofScan ? `${entry.uuid}/scan` : entry.uuid;
      for (;;) {
        // What was handed over, and nobody said so, comes again as repeats.
        const left = [...events.keys()].filter((at) => written[at] === undefined);
        try {
          await intake.add(
            key,
            left.map((at) => events[at] as StorageEvent),
            (at, ref, line) => {
              written[left[at] as number] = { ref, line };
            },
          );
          break;
        } catch (error) {
          if (!(error instanceof IntakeError) || Date.now() + AGAIN_MS > deadline) throw error;
          await sleep(AGAIN_MS);
        }
      }
      const waiting = (await backlog(entry.uuid, ofScan ? PUSHED_SHARD : 0)) ?? 0;
      await sleep(Math.min(slowness(waiting), Math.max(0, deadline - Date.now())));
      return written;
    },
    close: () => intake.close(),
  };
}

/** How long an answer is held back, in milliseconds. */
export function slowness(waiting: number): number {
  const part = (waiting - SLOW_FROM) / (SLOWEST_FROM - SLOW_FROM);
  return Math.round(SLOWEST_MS * Math.min(1, Math.max(0, part)));
}

/** In one scan the same item counts once; what a connector finds by itself is a change each time. */
function eventOf({ location, metainfo, size_in_bytes: size }: ScanRequestModel, ofScan: boolean): StorageEvent {
  const told = { name: metainfo, ...(size !== null && size !== undefined && { size }) };
  return {
    id: randomUUID(),
    location,
    ...(ofScan && { version: versionOf(told) }),
    told,
    at: new Date().toISOString(),
  };
}
