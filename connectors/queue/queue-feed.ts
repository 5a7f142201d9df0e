import { setTimeout as sleep } from 'node:timers/promises';
import type { Feed, FeedBatch } from '../feed.ts';
import { joined, type SourceEvents } from '../source-events.ts';

/** A message that a queue lent to us. */
export interface QueueMessage {
  readonly told: SourceEvents;
}

/** A queue that lends messages for a while. All errors are ConnectorErrors. */
export interface Queue<Message extends QueueMessage> {
  /** What is there, as soon as something is; nothing after `waitMs` at most. Each message is then hidden from others for `lentMs`. */
  receive(waitMs: number, signal: AbortSignal): Promise<readonly Message[]>;
  readonly lentMs: number;
  /** Lends them for `lentMs` from now on. What can't be lengthened comes again. */
  lengthen(messages: readonly Message[]): Promise<void>;
  /** Removes them. One that is gone, or lent to somebody else by now, is no error. */
  remove(messages: readonly Message[]): Promise<void>;
  /** Shows them to others at once. */
  giveBack(messages: readonly Message[]): Promise<void>;
  close(): Promise<void>;
}

/** A feed answers within this, in milliseconds. */
const ANSWER_MS = 20_000;
/** Closing waits so long for messages to be given back, in milliseconds: those that are not come again by themselves. */
const GIVE_BACK_MS = 3_000;

/**
 * The feed of a queue. What it gave is hidden from other readers until it is acknowledged, however long that takes. A message
 * that can't be understood is neither removed nor shown at once: the queue shows it again in its own time, and moves it away in the end
 * where it is told to (a redrive policy, a dead-letter topic).
 */
export class QueueFeed<Message extends QueueMessage> implements Feed {
  readonly #queue: Queue<Message>;
  readonly #answerMs: number;
  /** Lent to us, and to be lengthened. */
  readonly #held = new Set<Message>();
  readonly #timer: NodeJS.Timeout;

  constructor(queue: Queue<Message>, answerMs: number = ANSWER_MS) {
    this.#queue = queue;
    this.#answerMs = answerMs;
    this.#timer = setInterval(() => {
      // What is not lengthened comes again: at least once is all that is promised.
      if (this.#held.size > 0) queue.lengthen([...this.#held]).catch(() => undefined);
    }, queue.lentMs / 3);
    this.#timer.unref();
  }

  async next(signal: AbortSignal): Promise<FeedBatch> {
    signal.throwIfAborted();
    const messages = await this.#queue.receive(this.#answerMs, signal);
    const read = messages.filter(({ told }) => told.unreadable === 0);
    for (const message of read) this.#held.add(message);
    signal.throwIfAborted();
    const { events, ignored, unreadable } = joined(messages.map(({ told }) => told));
    return {
      events,
      ignored,
      unreadable,
      acknowledge: async () => {
        await this.#queue.remove(read);
        for (const message of read) this.#held.delete(message);
      },
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const held = [...this.#held];
    this.#held.clear();
    const late = sleep(GIVE_BACK_MS, undefined, { ref: false });
    const given = held.length > 0 ? this.#queue.giveBack(held).catch(() => undefined) : undefined;
    await Promise.race([given, late]);
    await this.#queue.close().catch(() => undefined);
  }
}

/** Parts of at most `size`, in order. */
export function partsOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}
