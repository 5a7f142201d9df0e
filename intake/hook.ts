import type { SourceEvents } from '../connectors/source-events.ts';
import type { WebhookSource } from '../domain/webhook.ts';
import type { WakeReason } from '../workflows/messages.ts';
import type { Delivery } from './delivery.ts';
import type { Once } from './delivery-memory.ts';

/** An answer that a source waits for. */
export interface HookAnswer {
  readonly status: 200 | 202;
  readonly type: 'application/json' | 'text/plain; charset=utf-8';
  readonly body: string;
}

/** What a delivery that is proven said. */
export interface Heard {
  readonly events?: SourceEvents;
  readonly wakes?: readonly WakeReason[];
  /** Present where a copy of it must not count again. */
  readonly once?: Once;
  /** What to do before it is answered, beside handing over: it may be done twice. */
  readonly before?: () => Promise<void>;
  /** Absent: 200 with the counts. */
  readonly answer?: HookAnswer;
  /** A copy of a signed delivery is refused; a vendor that repeats itself is answered as if for the first time. */
  readonly repeats: 'refused' | 'answered';
}

/** One configured way in. */
export interface Hook {
  readonly source: WebhookSource;
  /** Makes sure who sent it, then reads it. @throws DeliveryError */
  hear(delivery: Delivery): Promise<Heard>;
}
