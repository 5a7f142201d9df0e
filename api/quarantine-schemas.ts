import { z } from 'zod';
import { ROW_ACTIONS } from '../domain/action.ts';
import { source } from './answer-schemas.ts';
import type * as contract from './contract.ts';

export const quarantineList = z.strictObject({
  items: z.array(
    z.strictObject({
      source,
      job: z.string(),
      finding: z.string(),
      item: z.string(),
      location: z.string(),
      locationBytes: z.string().optional(),
      action: z.enum(ROW_ACTIONS),
      destination: z.string().optional(),
      version: z.string(),
      sha256: z.string().optional(),
      threat: z.string().optional(),
      by: z.string(),
      at: z.string(),
      restorable: z.boolean(),
    }),
  ),
  next: z.string().optional(),
}) satisfies z.ZodType<contract.QuarantineList>;
export const allowAnswer = z.strictObject({
  sha256: z.string(),
  allowed: z.boolean(),
  by: z.string(),
  at: z.string(),
  reason: z.string(),
}) satisfies z.ZodType<contract.AllowedHash>;
export const allowedList = z.strictObject({
  entries: z.array(allowAnswer),
  next: z.string().optional(),
}) satisfies z.ZodType<contract.AllowedList>;
