import { Webhook } from 'standardwebhooks';
import { Agent, request } from 'undici';
import type { Hidden } from '../domain/hidden.ts';
import { type AddressGuard, checkLiteral, guardedLookup } from './address-guard.ts';
import { type Sink, SinkError } from './sink.ts';
import { sinkError } from './syslog.ts';

export interface WebhookOptions {
  readonly id: string;
  readonly send: Sink['send'];
  /** https. */
  readonly url: string;
  /** `whsec_` and base64. */
  readonly secret: Hidden;
  /** PEM. */
  readonly ca?: Buffer;
  /** Absent: any address may be sent to. */
  readonly guard?: AddressGuard;
}

const ANSWER_MS = 10_000;
const GONE = 410;
const LONGEST_ANSWER = 64 * 1024;

/**
 * Sends batches as Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature` v1). Anything but 2xx is a refusal, a
 * redirect too, which is never followed; 410 ends the sending.
 */
export function createWebhookSink(options: WebhookOptions): Sink {
  const { id, send, url, secret, ca, guard } = options;
  const { host, hostname, origin } = new URL(url);
  return {
    id,
    send,
    receiver: url,
    async deliver(batch, messages) {
      const now = new Date();
      const body = JSON.stringify({ type: 'dsx.results', timestamp: now.toISOString(), data: { results: messages } });
      const agent = new Agent({
        connect: {
          timeout: ANSWER_MS,
          ...(ca !== undefined && { ca }),
          ...(guard !== undefined && { lookup: guardedLookup(guard) }),
        },
      });
      let status: number;
      try {
        if (guard !== undefined) checkLiteral(hostname, guard);
        const answer = await request(url, {
          method: 'POST',
          dispatcher: agent,
          headers: {
            'content-type': 'application/json',
            'user-agent': 'dsx-connect',
            'webhook-id': batch,
            'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
            'webhook-signature': new Webhook(secret.reveal()).sign(batch, now, body),
          },
          body,
          headersTimeout: ANSWER_MS,
          bodyTimeout: ANSWER_MS,
        });
        status = answer.statusCode;
        await answer.body.dump({ limit: LONGEST_ANSWER });
      } catch (error) {
        throw sinkError(error, origin);
      } finally {
        await agent.destroy();
      }
      if (status === GONE) throw new SinkError('sink_gone', `${host} answered 410: it wants no more results`);
      if (status < 200 || status > 299) throw new SinkError('sink_refused', `${host} answered ${status}`);
    },
  };
}
