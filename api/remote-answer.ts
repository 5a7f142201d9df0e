import { z } from 'zod';
import { REMOTE_STATES } from '../domain/remote.ts';

/** What a connector that registered by itself gave, and its heartbeat. */
export const remoteAnswer = z.strictObject({
  name: z.string(),
  url: z.string(),
  present: z.boolean(),
  status: z.enum(REMOTE_STATES).optional(),
  lastSeen: z.string().optional(),
});
