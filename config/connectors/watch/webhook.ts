import { z } from 'zod';

/** `webhook:` of `watch:`. */
export const webhookSchema = z.record(z.string(), z.unknown());

export type WebhookSettings = z.output<typeof webhookSchema>;
