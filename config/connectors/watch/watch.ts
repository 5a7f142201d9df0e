import { z } from 'zod';
import { type WebhookSettings, webhookSchema } from './webhook.ts';

/** How a connector hears of what arrives. */
export interface WatchSettings {
  readonly webhook?: WebhookSettings;
}

const asFields = { error: 'must be a set of fields, each with a colon: webhook' };

/** `watch:` of a connector. */
export const watchSchema = z.strictObject({ webhook: webhookSchema.optional() }, asFields).transform(
  ({ webhook }): WatchSettings => ({
    ...(webhook !== undefined && { webhook }),
  }),
);
