import { z } from 'zod';
import { WATCH_STATES, type WatchHealth } from '../domain/watch.ts';

const count = z.number().int().nonnegative();
const trouble = z.strictObject({
  code: z.string(),
  detail: z.string(),
  since: z.string(),
  failures: count,
  retryAt: z.string(),
});

/** How a connector is watched. */
export const watchHealth = z.strictObject({
  connector: z.string(),
  site: z.string().optional(),
  state: z.enum(WATCH_STATES),
  source: z.strictObject({ webhook: z.boolean(), pull: z.string().optional() }),
  revision: count,
  startedAt: z.string(),
  counts: z.strictObject({ events: count, ignored: count, unreadable: count }),
  lastEvent: z.strictObject({ at: z.string(), lagMs: count }).optional(),
  answeredAt: z.string().optional(),
  paused: z.strictObject({ by: z.string(), since: z.string(), reason: z.string().optional() }).optional(),
  trouble: trouble.optional(),
  subscription: z.strictObject({ expiresAt: z.string().optional(), trouble: trouble.optional() }).optional(),
  sweep: z
    .strictObject({
      every: count,
      nextAt: z.string().optional(),
      runningSince: z.string().optional(),
      last: z
        .strictObject({
          at: z.string(),
          outcome: z.enum(['swept', 'skipped', 'failed']),
          job: z.string().optional(),
          state: z.string().optional(),
          listed: count.optional(),
          found: count.optional(),
        })
        .optional(),
      found: count,
    })
    .optional(),
}) satisfies z.ZodType<WatchHealth>;
