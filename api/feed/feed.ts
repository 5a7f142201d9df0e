import { setTimeout as sleep } from 'node:timers/promises';
import { comparePlaces } from '../../status/changes.ts';
import type { StatusStore } from '../../status/status.ts';
import type { ApiDeps } from '../deps.ts';
import type { SharedLooks } from '../shared-looks.ts';
import { createFrames, type Frame, frameOf, isStatusDown } from './frames.ts';
import type { FeedReader } from './reader.ts';

/** Changes read in one step. */
const STEP = 500;
/** Pause between two looks at the status, in milliseconds; and while it can't be asked. */
const LOOK_MS = 250;
const DOWN_MS = 1_000;
const PLACE = /^\d{1,16}-\d{1,16}$/;

/** The stream of everything. However many read it, the status is asked by one loop, and each event is written down once. */
export interface Feed {
  /**
   * Serves a reader until it is closed. Behind `after`, the id of the last event that was seen, if that place is still known; otherwise the
   * first event is `reset`. Without it: `open`, and what comes from now on.
   * @throws StatusUnavailable before anything was sent
   */
  serve(reader: FeedReader, after: string | undefined): Promise<void>;
}

export function createFeed(deps: Pick<ApiDeps, 'log' | 'status'>, status: StatusStore, looks: SharedLooks): Feed {
  const framesOf = createFrames(deps, looks);
  const readers = new Set<FeedReader>();
  /** Where the loop is; undefined while it does not run. */
  let place: Promise<string> | undefined;

  /** The place that whoever begins now begins behind. The loop runs until nobody reads any more. */
  function begin(): Promise<string> {
    if (place !== undefined) return place;
    const first = status.changePlace();
    place = first;
    first.then(
      () => void run(),
      () => {
        place = undefined;
      },
    );
    return first;
  }

  async function run(): Promise<void> {
    while (readers.size > 0) {
      try {
        const more = await look();
        if (!more) await sleep(LOOK_MS, undefined, { ref: false });
      } catch (error) {
        if (!isStatusDown(error)) deps.log.error({ err: error }, 'the stream of events failed, and goes on');
        await sleep(DOWN_MS, undefined, { ref: false });
      }
    }
    place = undefined;
  }

  /** @returns whether there is more to read at once */
  async function look(): Promise<boolean> {
    const at = (await place) as string;
    const { changes, kept } = await status.changes(at, STEP);
    if (!kept) {
      const now = await status.changePlace();
      place = Promise.resolve(now);
      await tell([frameOf(now, { type: 'reset' })]);
      return false;
    }
    if (changes.length === 0) return false;
    const frames = await framesOf(changes);
    place = Promise.resolve((changes.at(-1) as { id: string }).id);
    await tell(frames);
    return changes.length === STEP;
  }

  async function tell(frames: readonly Frame[]): Promise<void> {
    await Promise.all([...readers].map((reader) => reader.hear(frames)));
  }

  /** What came between the last event that the reader saw and the place of the loop. */
  async function catchUp(reader: FeedReader, after: string, until: string): Promise<void> {
    const lost = [frameOf(until, { type: 'reset' })];
    if (!PLACE.test(after)) return reader.send(lost);
    let at = after;
    do {
      const { changes, kept } = await status.changes(at, STEP);
      if (!kept) return reader.send(lost);
      // A place ahead of the loop is one that another process, or a loop before, has told of.
      reader.skipTo(after);
      await reader.send(await framesOf(changes.filter(({ id }) => comparePlaces(id, until) <= 0)));
      at = changes.at(-1)?.id ?? until;
    } while (comparePlaces(at, until) < 0);
  }

  return {
    async serve(reader, after) {
      const first = begin();
      // Before anything is waited for: what comes from here on is held back for him.
      readers.add(reader);
      try {
        const until = await first;
        reader.open();
        if (after === undefined) await reader.send([frameOf(until, { type: 'open' })]);
        else await catchUp(reader, after, until);
        await reader.goLive();
        await reader.closed;
      } finally {
        readers.delete(reader);
      }
    },
  };
}
