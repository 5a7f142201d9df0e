import { type PubSub, v1 } from '@google-cloud/pubsub';
import type { Feed } from '../feed.ts';
import type { PubSubSettings } from '../feed-settings.ts';
import { type Queue, QueueFeed, type QueueMessage } from '../queue/queue-feed.ts';
import { gcsEvents } from './events.ts';
import { type Place, placeOf } from './place.ts';
import { deadlinePassed, pubSubFailure } from './pubsub-failures.ts';
import { pubSubOf } from './pubsub-login.ts';
import type { GcsSettings } from './settings.ts';

/** Most messages that one request receives. */
const AT_ONCE = 1_000;
const LENT_SECONDS = 60;
/** Changes of messages must be answered within this, in milliseconds. */
const CHANGE_MS = 20_000;

type Subscriber = InstanceType<typeof v1.SubscriberClient>;

interface PubSubMessage extends QueueMessage {
  readonly ackId: string;
}

/** Messages of a subscription that a bucket notifies. */
class Subscription implements Queue<PubSubMessage> {
  readonly lentMs = LENT_SECONDS * 1000;
  readonly #pubSub: PubSub;
  readonly #name: string;
  readonly #place: Place;
  #client: Promise<Subscriber> | undefined;
  /** A change of the time that messages are lent for: one that is overtaken by the next would undo it. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(pubSub: PubSub, name: string, place: Place) {
    this.#pubSub = pubSub;
    this.#name = name;
    this.#place = place;
  }

  /** A login that fails is tried anew the next time. */
  #connected(): Promise<Subscriber> {
    this.#client ??= this.#pubSub
      .getClientConfig()
      .then(({ port, ...config }) => {
        return new v1.SubscriberClient({ ...config, ...(port !== undefined && { port: Number(port) }) });
      })
      .catch((error: unknown) => {
        this.#client = undefined;
        throw error;
      });
    return this.#client;
  }

  async receive(waitMs: number, signal: AbortSignal): Promise<readonly PubSubMessage[]> {
    const end = Date.now() + waitMs;
    for (let left = waitMs; left > 0; left = end - Date.now()) {
      const messages = await this.#pull(left, signal);
      if (messages.length === 0) continue;
      // The subscription's own time may be shorter than ours.
      this.lengthen(messages).catch(() => undefined);
      return messages;
    }
    return [];
  }

  async #pull(timeout: number, signal: AbortSignal): Promise<PubSubMessage[]> {
    signal.throwIfAborted();
    const request = { subscription: this.#name, maxMessages: AT_ONCE };
    let stop: (() => void) | undefined;
    try {
      const call = (await this.#connected()).pull(request, { timeout, retry: null });
      stop = () => (call as { cancel?: () => void }).cancel?.();
      signal.addEventListener('abort', stop, { once: true });
      const [{ receivedMessages }] = await call;
      return (receivedMessages ?? []).flatMap(({ ackId, message }) => {
        if (typeof ackId !== 'string') return [];
        const { attributes, data } = message ?? {};
        const text = { attributes: attributes ?? {}, data: Buffer.from(data ?? '').toString('utf8') };
        return [{ ackId, told: gcsEvents(text, this.#place, new Date().toISOString()) }];
      });
    } catch (error) {
      signal.throwIfAborted();
      if (deadlinePassed(error)) return [];
      throw pubSubFailure(error, `receiving from ${this.#name}`);
    } finally {
      if (stop !== undefined) signal.removeEventListener('abort', stop);
    }
  }

  lengthen(messages: readonly PubSubMessage[]): Promise<void> {
    return this.#deadline(messages, LENT_SECONDS);
  }

  giveBack(messages: readonly PubSubMessage[]): Promise<void> {
    return this.#deadline(messages, 0);
  }

  #deadline(messages: readonly PubSubMessage[], ackDeadlineSeconds: number): Promise<void> {
    const request = { subscription: this.#name, ackIds: messages.map(({ ackId }) => ackId), ackDeadlineSeconds };
    const changed = this.#changing.then(() =>
      this.#change((client) => client.modifyAckDeadline(request, { timeout: CHANGE_MS })),
    );
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  async remove(messages: readonly PubSubMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const request = { subscription: this.#name, ackIds: messages.map(({ ackId }) => ackId) };
    await this.#change((client) => client.acknowledge(request, { timeout: CHANGE_MS }));
  }

  async #change(change: (client: Subscriber) => Promise<unknown>): Promise<void> {
    try {
      await change(await this.#connected());
    } catch (error) {
      throw pubSubFailure(error, `changing messages of ${this.#name}`);
    }
  }

  async close(): Promise<void> {
    await (await this.#client)?.close();
    await this.#pubSub.close();
  }
}

/**
 * The events of a bucket that come through a subscription of Pub/Sub.
 * @param answerMs longest wait for a message
 * @throws ConnectorError `configuration`
 */
export function createPubSubFeed(connector: GcsSettings, pull: PubSubSettings, answerMs?: number): Feed {
  const subscription = new Subscription(pubSubOf(connector, pull), pull.subscription, placeOf(connector));
  return new QueueFeed(subscription, answerMs);
}
