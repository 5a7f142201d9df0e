import { z } from 'zod';
import { ROLES } from '../domain/role.ts';
import { isAuditCursor } from '../ledger/audit-log.ts';
import { KEY_NAME } from '../ledger/key-objects.ts';
import type * as contract from './access-contract.ts';
import { limit } from './request-schemas.ts';

const role = z.enum(ROLES);
const future = z.iso.datetime().optional();

export const keyParams = z.strictObject({ key: z.string() });
export const newKeyBody = z.strictObject({
  name: z.string().regex(KEY_NAME, 'must be 1 to 63 lower-case letters, digits, dots, underscores or hyphens'),
  role,
  expiresAt: future,
}) satisfies z.ZodType<contract.NewKeyBody>;
/** 30 days, and a day, in seconds. */
export const LONGEST_GRACE = 2_592_000;
export const GRACE = 86_400;
export const rotateKeyBody = z.strictObject({
  graceSeconds: z.int().nonnegative().max(LONGEST_GRACE).optional(),
  expiresAt: future,
}) satisfies z.ZodType<contract.RotateKeyBody>;

const key = {
  id: z.string(),
  prefix: z.string(),
  name: z.string(),
  role,
  state: z.enum(['live', 'expired', 'rotated', 'revoked']),
  createdBy: z.string(),
  createdAt: z.string(),
  expiresAt: z.string().optional(),
  replaces: z.string().optional(),
  replacedBy: z.string().optional(),
  endsAt: z.string().optional(),
  lastUsed: z.string().optional(),
};
export const keyResource = z.strictObject(key) satisfies z.ZodType<contract.KeyResource>;
export const keyList = z.strictObject({ keys: z.array(keyResource) }) satisfies z.ZodType<contract.KeyList>;
export const newKeyAnswer = z.strictObject({ ...key, key: z.string() }) satisfies z.ZodType<contract.NewKeyAnswer>;

export const rotateConnectorKeyBody = z.strictObject({
  graceSeconds: z.int().nonnegative().max(LONGEST_GRACE).optional(),
}) satisfies z.ZodType<contract.RotateConnectorKeyBody>;
export const connectorKeyAnswer = z.strictObject({
  connector: z.string(),
  id: z.string(),
  replaces: z.string(),
  endsAt: z.string(),
}) satisfies z.ZodType<contract.ConnectorKeyAnswer>;

export const auditQuery = z.strictObject({
  actor: z.string().min(1).max(200).optional(),
  limit,
  after: z.string().max(100).refine(isAuditCursor, 'must be the next of a page before').optional(),
});
export const auditList = z.strictObject({
  entries: z.array(
    z.strictObject({
      at: z.string(),
      actor: z.string(),
      role: z.string(),
      key: z.string().optional(),
      from: z.string().optional(),
      action: z.string(),
      params: z.record(z.string(), z.unknown()).optional(),
      body: z.unknown().optional(),
      status: z.int(),
      code: z.string().optional(),
      job: z.string().optional(),
    }),
  ),
  next: z.string().optional(),
}) satisfies z.ZodType<contract.AuditList>;
