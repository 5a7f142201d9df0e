import { createHmac, randomBytes } from 'node:crypto';
import { isRemoteId } from '../domain/remote.ts';

const RANDOM_BYTES = 8;

/** A new key id of a remote connector: its UUID and random bits, in base64. */
export function newRemoteKeyId(uuid: string): string {
  return Buffer.concat([Buffer.from(uuid.replaceAll('-', ''), 'hex'), randomBytes(RANDOM_BYTES)]).toString('base64');
}

/** Whose a key id would be. Whether it counts, the connector's entry in the book says. Undefined: nobody's. */
export function ownerOfKey(keyId: string): string | undefined {
  const bytes = Buffer.from(keyId, 'base64');
  if (bytes.length !== 16 + RANDOM_BYTES || bytes.toString('base64') !== keyId) return undefined;
  const uuid = bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return isRemoteId(uuid) ? uuid : undefined;
}

/** The secret of a key, derived from the master key, so that it is written down nowhere. Base64, as it is handed out and used. */
export function remoteSecret(master: string, keyId: string): string {
  return createHmac('sha256', master).update(`dsx-connect remote connector\n${keyId}`).digest('base64');
}
