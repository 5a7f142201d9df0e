import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { SentItem, SignedSender } from '../events/signed-sender.ts';

const AGAIN_MS = 250;
/** 409 says that this delivery was taken before: the first answer was lost on the way. */
const ACKNOWLEDGED: readonly (number | string)[] = [200, 409];
/** What a vendor takes as "not now". */
const isLater = (status: number): boolean => status === 429 || status >= 500;

/** Deliveries at a fixed pace, each sent again under its own webhook-id until it is acknowledged, as vendors do. */
export class Resender {
  readonly #sender: SignedSender;
  /** Locations of deliveries that were acknowledged. */
  readonly acknowledged = new Set<string>();
  /** Attempts by what came of them: a status, or the code of a connection that broke. */
  readonly answers = new Map<string, number>();
  /** Deliveries that were sent and have no answer yet. */
  underWay = 0;

  constructor(sender: SignedSender) {
    this.#sender = sender;
  }

  /** Sends all, one each `everyMs`, whatever became of those before. Ends when each has its answer, or at `deadline` (as performance.now()). */
  async send(deliveries: readonly (readonly SentItem[])[], everyMs: number, deadline: number): Promise<void> {
    const from = performance.now();
    const under: Promise<void>[] = [];
    for (const [i, items] of deliveries.entries()) {
      await pause(Math.max(0, from + i * everyMs - performance.now()));
      under.push(this.#deliver(items, deadline));
    }
    await Promise.all(under);
  }

  /** @throws Error when it is not acknowledged by the deadline */
  async #deliver(items: readonly SentItem[], deadline: number): Promise<void> {
    const id = randomUUID();
    for (;;) {
      this.underWay += 1;
      const status = await this.#sender.send(items, id).catch(codeOf);
      this.underWay -= 1;
      this.answers.set(String(status), (this.answers.get(String(status)) ?? 0) + 1);
      if (ACKNOWLEDGED.includes(status)) {
        for (const { location } of items) this.acknowledged.add(location);
        return;
      }
      // No vendor repeats after such an answer: what was in it stays without an acknowledgement.
      if (typeof status === 'number' && !isLater(status)) return;
      if (performance.now() > deadline) throw new Error(`a delivery was never acknowledged, at last ${status}`);
      await pause(AGAIN_MS);
    }
  }
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? 'broken';
}
