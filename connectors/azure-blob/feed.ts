import { setTimeout as sleep } from 'node:timers/promises';
import { type DequeuedMessageItem, type QueueClient, RestError } from '@azure/storage-queue';
import type { Feed } from '../feed.ts';
import type { StorageQueueSettings } from '../feed-settings.ts';
import { type Queue, QueueFeed, type QueueMessage } from '../queue/queue-feed.ts';
import { azureEvents } from './events.ts';
import { failure } from './failures.ts';
import { Names } from './names.ts';
import { queueClientOf } from './queue-client.ts';
import type { AzureBlobSettings } from './settings.ts';

/** Most messages that one request receives. */
const AT_ONCE = 32;
/** Further requests after a full one. */
const MORE = 7;
const VISIBILITY = 60;
/** The service answers at once when nothing is there: between two questions, in milliseconds. */
const PAUSE = { first: 250, longest: 2_000 };

interface AzureMessage extends QueueMessage {
  readonly id: string;
  /** Another one after each change. */
  receipt: string;
}

/** Messages of a storage queue that Event Grid writes into. */
class StorageQueue implements Queue<AzureMessage> {
  readonly lentMs: number;
  readonly #client: QueueClient;
  readonly #names: Names;
  readonly #account: string;

  constructor(client: QueueClient, visibility: number, names: Names, account: string) {
    this.#client = client;
    this.#names = names;
    this.#account = account;
    this.lentMs = visibility * 1000;
  }

  async receive(waitMs: number, signal: AbortSignal): Promise<readonly AzureMessage[]> {
    const end = Date.now() + waitMs;
    for (let pause = PAUSE.first; ; pause = Math.min(pause * 2, PAUSE.longest)) {
      const first = await this.#receive(signal);
      if (first.length === AT_ONCE) {
        const more = await Promise.allSettled(Array.from({ length: MORE }, () => this.#receive(signal)));
        return [...first, ...more.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))];
      }
      if (first.length > 0 || Date.now() + pause > end) return first;
      await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  async #receive(signal: AbortSignal): Promise<AzureMessage[]> {
    const answer = await this.#ask('receiving from', signal, () =>
      this.#client.receiveMessages({
        numberOfMessages: AT_ONCE,
        visibilityTimeout: this.lentMs / 1000,
        abortSignal: signal,
      }),
    );
    return answer.receivedMessageItems.map((item) => this.#read(item));
  }

  #read({ messageId, popReceipt, messageText }: DequeuedMessageItem): AzureMessage {
    const told = azureEvents(plain(messageText), this.#names, this.#account, new Date().toISOString());
    return { id: messageId, receipt: popReceipt, told };
  }

  lengthen(messages: readonly AzureMessage[]): Promise<void> {
    return this.#show(messages, this.lentMs / 1000);
  }

  giveBack(messages: readonly AzureMessage[]): Promise<void> {
    return this.#show(messages, 0);
  }

  async #show(messages: readonly AzureMessage[], seconds: number): Promise<void> {
    await this.#each(messages, async (message) => {
      const { popReceipt } = await this.#client.updateMessage(message.id, message.receipt, undefined, seconds);
      if (popReceipt !== undefined) message.receipt = popReceipt;
    });
  }

  remove(messages: readonly AzureMessage[]): Promise<void> {
    return this.#each(messages, ({ id, receipt }) => this.#client.deleteMessage(id, receipt));
  }

  async #each(messages: readonly AzureMessage[], change: (message: AzureMessage) => Promise<unknown>): Promise<void> {
    const one = (message: AzureMessage) =>
      this.#ask('changing messages of', undefined, () => change(message).catch(ifNotOurs));
    await Promise.all(messages.map(one));
  }

  async #ask<T>(doing: string, signal: AbortSignal | undefined, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      signal?.throwIfAborted();
      throw failure(error, { doing, what: `the queue ${this.#client.name}` });
    }
  }

  async close(): Promise<void> {}
}

/** It is gone, or lent to another reader by now. */
function ifNotOurs(error: unknown): void {
  const code = error instanceof RestError ? error.code : undefined;
  if (code !== 'MessageNotFound' && code !== 'PopReceiptMismatch') throw error;
}

/** Event Grid writes base64; others write JSON as it is. */
function plain(text: string): string {
  if (/^\s*[[{]/.test(text)) return text;
  return Buffer.from(text, 'base64').toString('utf8');
}

/**
 * The events of a storage account that come through one of its queues.
 * @param answerMs longest wait for a message
 * @throws ConnectorError `configuration`
 */
export function createStorageQueueFeed(
  connector: AzureBlobSettings,
  pull: StorageQueueSettings,
  answerMs?: number,
): Feed {
  const { client, account } = queueClientOf(connector.access, pull);
  const queue = new StorageQueue(client, pull.visibility ?? VISIBILITY, new Names(connector, account), account);
  return new QueueFeed(queue, answerMs);
}
