import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { Feed } from '../feed.ts';
import type { SqsSettings } from '../feed-settings.ts';
import { partsOf, type Queue, QueueFeed, type QueueMessage } from '../queue/queue-feed.ts';
import { providerOf } from './client.ts';
import { s3Events } from './events.ts';
import { type Place, placeOf } from './place.ts';
import { queueFailure } from './queue-failures.ts';
import type { AwsS3Settings } from './settings.ts';

/** Most messages that one request receives or changes. */
const AT_ONCE = 10;
/** Further requests after a full one, so that a queue that has filled up is emptied quickly. */
const MORE = 19;
const VISIBILITY = 60;

interface SqsMessage extends QueueMessage {
  readonly receipt: string;
}

/** Messages of a queue of SQS, with what S3 wrote into them directly, through SNS or through EventBridge. */
class SqsQueue implements Queue<SqsMessage> {
  readonly lentMs: number;
  readonly #client: SQSClient;
  readonly #settings: SqsSettings;
  readonly #place: Place;

  constructor(client: SQSClient, settings: SqsSettings, place: Place) {
    this.#client = client;
    this.#settings = settings;
    this.#place = place;
    this.lentMs = (settings.visibility ?? VISIBILITY) * 1000;
  }

  async receive(waitMs: number, signal: AbortSignal): Promise<readonly SqsMessage[]> {
    const first = await this.#receive(Math.max(0, Math.min(20, Math.floor(waitMs / 1000))), signal);
    if (first.length < AT_ONCE) return first;
    const more = await Promise.allSettled(Array.from({ length: MORE }, () => this.#receive(0, signal)));
    return [...first, ...more.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))];
  }

  async #receive(seconds: number, signal: AbortSignal): Promise<SqsMessage[]> {
    const { Messages = [] } = await this.#ask('receiving from', signal, (options) =>
      this.#client.send(
        new ReceiveMessageCommand({
          QueueUrl: this.#settings.queueUrl,
          MaxNumberOfMessages: AT_ONCE,
          WaitTimeSeconds: seconds,
          VisibilityTimeout: this.lentMs / 1000,
        }),
        options,
      ),
    );
    return Messages.flatMap((message) => this.#read(message));
  }

  #read({ ReceiptHandle, Body }: Message): SqsMessage[] {
    if (ReceiptHandle === undefined) return [];
    return [{ receipt: ReceiptHandle, told: s3Events(Body ?? '', this.#place, new Date().toISOString()) }];
  }

  lengthen(messages: readonly SqsMessage[]): Promise<void> {
    return this.#show(messages, this.lentMs / 1000);
  }

  giveBack(messages: readonly SqsMessage[]): Promise<void> {
    return this.#show(messages, 0);
  }

  async #show(messages: readonly SqsMessage[], VisibilityTimeout: number): Promise<void> {
    const QueueUrl = this.#settings.queueUrl;
    await this.#inParts(messages, (part) => {
      const Entries = part.map((entry) => ({ ...entry, VisibilityTimeout }));
      return this.#client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    });
  }

  async remove(messages: readonly SqsMessage[]): Promise<void> {
    const QueueUrl = this.#settings.queueUrl;
    await this.#inParts(messages, (Entries) => this.#client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries })));
  }

  /** What SQS refuses of a part comes again, which is harmless. */
  async #inParts(
    messages: readonly SqsMessage[],
    send: (part: { Id: string; ReceiptHandle: string }[]) => Promise<unknown>,
  ): Promise<void> {
    const parts = partsOf(messages, AT_ONCE);
    await this.#ask('changing messages of', undefined, () =>
      Promise.all(parts.map((part) => send(part.map(({ receipt }, at) => ({ Id: `m${at}`, ReceiptHandle: receipt }))))),
    );
  }

  async #ask<T>(
    doing: string,
    signal: AbortSignal | undefined,
    send: (options: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    try {
      return await send(signal === undefined ? {} : { abortSignal: signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw queueFailure(error, `${doing} the queue ${this.#settings.queueUrl}`);
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }
}

/**
 * The events of a bucket that come through a queue of SQS.
 * @param answerMs longest wait for a message
 * @throws ConnectorError `configuration`
 */
export function createSqsFeed(connector: AwsS3Settings, pull: SqsSettings, answerMs?: number): Feed {
  const { origin, hostname } = new URL(pull.queueUrl);
  const [, named] = /^sqs\.([a-z0-9-]+)\.amazonaws\./.exec(hostname) ?? [];
  const region = pull.region ?? named ?? connector.region ?? 'us-east-1';
  const { accessKeyId, secretAccessKey, sessionToken } = pull;
  const own = accessKeyId !== undefined && secretAccessKey !== undefined;
  const { role: _, ...withoutRole } = connector;
  const keys = own && { kind: 'keys' as const, accessKeyId, secretAccessKey };
  const access = keys ? { ...withoutRole, access: { ...keys, ...(sessionToken && { sessionToken }) } } : connector;
  const client = new SQSClient({
    credentials: providerOf(access, region),
    region,
    endpoint: pull.endpoint ?? origin,
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
  });
  return new QueueFeed(new SqsQueue(client, pull, placeOf(connector)), answerMs);
}
