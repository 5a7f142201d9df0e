import { createHash } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { request } from 'undici';
import type { Hidden } from '../domain/hidden.ts';
import type { AllowedTarget } from '../net/allowed.ts';
import { TargetError } from '../net/errors.ts';
import { createGuardedAgent } from '../net/guarded-agent.ts';
import { checkTarget } from '../net/target.ts';
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
  /** What may be sent to although it is not public. */
  readonly allowed: readonly AllowedTarget[];
}

const ANSWER_MS = 10_000;
const GONE = 410;
const LONGEST_ANSWER = 64 * 1024;

/**
 * Sends batches as Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature` v1). Anything but 2xx is a refusal, a
 * redirect too, which is never followed; 410 ends the sending.
 */
export function createWebhookSink(options: WebhookOptions): Sink {
  const { id, send, url, secret, ca, allowed } = options;
  const { host, origin } = new URL(url);
  return {
    id,
    send,
    // The address may hold a token, and what names the receiver is written down.
    receiver: `${origin}#${createHash('sha256').update(url).digest('hex').slice(0, 16)}`,
    async deliver(batch, messages) {
      const now = new Date();
      const body = JSON.stringify({ type: 'dsx.results', timestamp: now.toISOString(), data: { results: messages } });
      const trusted = ca !== undefined && { ca: ca.toString() };
      const agent = createGuardedAgent({ allowed, connectMs: ANSWER_MS, answerMs: ANSWER_MS, ...trusted });
      let status: number;
      try {
        const answer = await request(checkTarget(url, allowed), {
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
        });
        status = answer.statusCode;
        await answer.body.dump({ limit: LONGEST_ANSWER });
      } catch (error) {
        throw error instanceof TargetError && error.code !== 'unresolvable'
          ? forbidden(error)
          : sinkError(error, origin);
      } finally {
        await agent.destroy();
      }
      if (status === GONE) throw new SinkError('sink_gone', `${host} answered 410: it wants no more results`);
      if (status < 200 || status > 299) throw new SinkError('sink_refused', `${host} answered ${status}`);
    },
  };
}

function forbidden(error: TargetError): SinkError {
  const remedy = 'or set privateAddress: on for this sink';
  return new SinkError('sink_forbidden', `${error.message} (${remedy})`, { cause: error });
}
