import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { Agent } from 'undici';

/** An item of a delivery, as the webhook `signed` takes it. */
export interface SentItem {
  readonly location: string;
  readonly version?: string;
  readonly order?: string;
}

/** Sends deliveries to the webhook `signed` of a connector, each signed as Standard Webhooks say. */
export class SignedSender {
  readonly #url: string;
  readonly #webhook: Webhook;
  readonly #agent: Agent;

  /** @param secret base64 @param atOnce deliveries under way at once, at most */
  constructor(origin: string, connector: string, secret: string, atOnce = 64) {
    this.#url = `${origin}/dsx-connect/api/v1/events/signed/${connector}`;
    this.#webhook = new Webhook(secret);
    this.#agent = new Agent({ connections: atOnce, pipelining: 1 });
  }

  /** One delivery. Returns the status of the answer; rejects when none came within 30 s. */
  async send(items: readonly SentItem[], id: string = randomUUID()): Promise<number> {
    const body = JSON.stringify({ items });
    const now = new Date();
    const { statusCode, body: answer } = await this.#agent.request({
      origin: new URL(this.#url).origin,
      path: new URL(this.#url).pathname,
      method: 'POST',
      headersTimeout: 30_000,
      bodyTimeout: 30_000,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': this.#webhook.sign(id, now, body),
      },
      body,
    });
    await answer.dump();
    return statusCode;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
