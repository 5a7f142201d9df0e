import type { ServerResponse } from 'node:http';
import { setImmediate as breath } from 'node:timers/promises';
import { comparePlaces, FIRST_PLACE } from '../../status/changes.ts';
import type { FeedType } from '../contract.ts';
import { EVENT_STREAM, HEARTBEAT_MS } from '../event-stream.ts';
import type { Frame } from './frames.ts';

/** Bytes that wait for a reader at most; one who does not take them is cut off, and may come back and go on. */
export const MAX_WAITING = 512 * 1024;
/** Frames that are held back for a reader who catches up. */
const MAX_HELD = 10_000;
/** Characters written at once. */
const SLICE = 32 * 1024;

/** What a reader wants to hear; absent: everything. */
export interface FeedFilter {
  readonly types?: readonly FeedType[] | undefined;
  readonly job?: string | undefined;
  /** Id of a source or connector. */
  readonly source?: string | undefined;
}

/** One open stream. */
export interface FeedReader {
  /** Sends the head of the answer. */
  open(): void;
  /** What the feed tells everybody: held back until `goLive`. */
  hear(frames: readonly Frame[]): Promise<void>;
  /** What this reader alone is told before that. Resolves once little waits for him. */
  send(frames: readonly Frame[]): Promise<void>;
  goLive(): Promise<void>;
  /** He has seen what comes up to this place. */
  skipTo(place: string): void;
  /** Resolves when the client has gone, was cut off, or the server stops. */
  readonly closed: Promise<void>;
}

export function createFeedReader(response: ServerResponse, filter: FeedFilter, stop: AbortSignal): FeedReader {
  let held: Frame[] | undefined = [];
  let opened = false;
  let seen = FIRST_PLACE;
  let last = performance.now();
  const done = Promise.withResolvers<void>();
  const leave = (): void => {
    response.off('close', leave);
    stop.removeEventListener('abort', leave);
    clearInterval(beat);
    if (opened) response.end();
    done.resolve();
  };
  const beat = setInterval(() => {
    if (opened && performance.now() - last >= HEARTBEAT_MS) put(': still here\n\n');
  }, 1_000).unref();
  response.once('close', leave);
  stop.addEventListener('abort', leave, { once: true });
  if (stop.aborted || response.destroyed) leave();

  function put(text: string): void {
    if (response.destroyed || response.writableEnded) return;
    response.write(text);
    last = performance.now();
    if (response.writableLength > MAX_WAITING) response.destroy();
  }

  const wants = ({ id, type, job, source }: Frame): boolean => {
    if (type === 'open' || type === 'reset') return true;
    if (comparePlaces(id, seen) <= 0) return false;
    if (filter.types !== undefined && !filter.types.includes(type)) return false;
    return (filter.job ?? job) === job && (filter.source ?? source) === source;
  };

  /** Between two slices the socket is given time to take the one before. */
  async function write(frames: readonly Frame[]): Promise<void> {
    let slice = '';
    for (const frame of frames) {
      if (!wants(frame)) continue;
      slice += frame.text;
      if (slice.length < SLICE) continue;
      put(slice);
      slice = '';
      await breath();
    }
    if (slice !== '') put(slice);
  }

  return {
    closed: done.promise,
    skipTo(place) {
      seen = place;
    },
    open() {
      response.writeHead(200, EVENT_STREAM);
      response.flushHeaders();
      opened = true;
    },
    async hear(frames) {
      if (held === undefined) return write(frames);
      if (held.length + frames.length > MAX_HELD) response.destroy();
      else held.push(...frames);
    },
    async send(frames) {
      await write(frames);
      if (response.writableNeedDrain && !response.destroyed) await Promise.race([drained(response), done.promise]);
    },
    async goLive() {
      // While the last of them are written more may come.
      while (held !== undefined && held.length > 0) await write(held.splice(0));
      held = undefined;
    },
  };
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once('drain', () => resolve()));
}
