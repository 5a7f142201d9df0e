import type { SourceEvents } from '../../connectors/source-events.ts';
import type { S3SecretWebhook, SnsWebhook } from '../../domain/webhook.ts';
import { textOf } from '../delivery.ts';
import type { Heard, Hook } from '../hook.ts';
import { verifySecret } from '../verify/secret.ts';
import { SnsTopic } from '../verify/sns.ts';
import type { VendorGet } from '../verify/vendor-get.ts';

type Read = (text: string, at: string) => SourceEvents;

/** SNS delivers a message for an hour at most; its signature is taken for two hours, and a quarter of one ahead. */
const SNS_KEEP_MS = 2.5 * 3_600_000;

/** Messages of an SNS topic, and the confirmation of our subscription to it. */
export function snsHook(
  { topic }: SnsWebhook,
  read: Read,
  get: VendorGet,
  say: (event: 'confirmed' | 'unsubscribed', topic: string) => void,
): Hook {
  const sns = new SnsTopic(topic, get);
  return {
    source: 's3',
    async hear({ body, at }): Promise<Heard> {
      const message = await sns.verify(textOf(body));
      const once = { id: `sns\n${topic}\n${message.id}`, keepMs: SNS_KEEP_MS, whenFull: 'go-on' } as const;
      if (message.type === 'Notification') return { events: read(message.message, at), once, repeats: 'answered' };
      if (message.type === 'UnsubscribeConfirmation') {
        say('unsubscribed', topic);
        return { repeats: 'answered' };
      }
      const before = async (): Promise<void> => {
        await sns.confirm(message);
        say('confirmed', topic);
      };
      return { before, once, repeats: 'answered' };
    },
  };
}

/** EventBridge's API destination, or the records of S3 as a Lambda function forwards them, with a secret. */
export function s3SecretHook(settings: S3SecretWebhook, read: Read): Hook {
  return {
    source: 's3',
    async hear(delivery): Promise<Heard> {
      verifySecret(delivery, settings.at, settings);
      return { events: read(textOf(delivery.body), delivery.at), repeats: 'answered' };
    },
  };
}
