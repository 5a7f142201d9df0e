import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { ROLES } from '../../domain/role.ts';
import { canonicalJson } from '../../ledger/canonical-json.ts';
import { KEY_ID, KEY_NAME } from '../../ledger/key-objects.ts';

const id = z.string().regex(KEY_ID);
const time = z.iso.datetime();

/** A key as it was made. `hash`: SHA-256 of its text, hex. */
export const madeRecord = z.strictObject({
  format: z.literal(1),
  id,
  name: z.string().regex(KEY_NAME),
  role: z.enum(ROLES),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  by: z.string(),
  at: time,
  expiresAt: time.optional(),
  /** The key whose place it takes. */
  replaces: id.optional(),
});
export type MadeRecord = z.output<typeof madeRecord>;

/** From `until` on the key is dead; its successor has its name and role. */
export const rotatedRecord = z.strictObject({
  format: z.literal(1),
  id,
  by: z.string(),
  at: time,
  until: time,
  successor: id,
});
export type RotatedRecord = z.output<typeof rotatedRecord>;

/**
 * Seals what is written about keys with a key made from the API's own one, which workers do not have: they too can write to the ledger, and
 * must not be able to make themselves a key.
 */
export interface Sealer {
  seal(record: object): object;
  /** The record, when the seal is ours and it is of this shape; else undefined. Never throws. */
  unseal<T>(schema: z.ZodType<T>, bytes: Buffer): T | undefined;
}

/** @param secret the key of `DSXCONNECT_API_KEY_FILE`: another one ends every key that was made under it */
export function createSealer(secret: string): Sealer {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'dsx-connect api keys 1', 32));
  const sealOf = (record: object): Buffer => createHmac('sha256', key).update(canonicalJson(record)).digest();
  return {
    seal: (record) => ({ record, seal: sealOf(record).toString('hex') }),
    unseal(schema, bytes) {
      try {
        const { record, seal } = JSON.parse(bytes.toString('utf8')) as { record: object; seal: string };
        const given = Buffer.from(seal, 'hex');
        const ours = sealOf(record);
        if (given.length !== ours.length || !timingSafeEqual(given, ours)) return undefined;
        return schema.safeParse(record).data;
      } catch {
        return undefined;
      }
    },
  };
}
