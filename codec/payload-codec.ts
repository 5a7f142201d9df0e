import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import type { Hidden } from '../domain/hidden.ts';
import { CodecError } from './errors.ts';
import { payloadBytes, payloadOf } from './payload-bytes.ts';

/** A key of 32 bytes in base64, and the name under which it stands in what it has encrypted. */
export interface PayloadKey {
  readonly id: string;
  readonly key: Hidden;
}

/** Names that the samples of Temporal use in all languages. */
const ENCODING = 'encoding';
const ENCRYPTED = 'binary/encrypted';
const CIPHER = 'encryption-cipher';
const KEY_ID = 'encryption-key-id';
const AES_256_GCM = 'aes-256-gcm';

/** Bytes: of a nonce and of a tag of GCM. */
const NONCE = 12;
const TAG = 16;

/**
 * Encrypts each payload with AES-256-GCM under the first key and a random nonce (which allows some 4 billion payloads a key);
 * opens what any of the keys has encrypted, and lets pass what is plain, so that it may be switched on while scans run. Without
 * keys it encrypts nothing, and says so clearly where it meets what is encrypted. Data: nonce, ciphertext, tag.
 */
export function createPayloadCodec(keys: readonly PayloadKey[]): PayloadCodec {
  const bytesOf = new Map(keys.map(({ id, key }) => [id, Buffer.from(key.reveal(), 'base64')] as const));
  const [first] = keys;
  const newest = first === undefined ? undefined : { id: first.id, key: bytesOf.get(first.id) as Buffer };
  return {
    encode: async (payloads) => (newest === undefined ? payloads : payloads.map((one) => seal(one, newest))),
    decode: async (payloads) => payloads.map((one) => (isEncrypted(one) ? open(one, bytesOf) : one)),
  };
}

function isEncrypted({ metadata }: Payload): boolean {
  return textOf(metadata?.[ENCODING]) === ENCRYPTED;
}

function seal(payload: Payload, { id, key }: { readonly id: string; readonly key: Buffer }): Payload {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(AES_256_GCM, key, nonce, { authTagLength: TAG });
  const sealed = [cipher.update(payloadBytes(payload)), cipher.final()];
  return {
    metadata: { [ENCODING]: Buffer.from(ENCRYPTED), [CIPHER]: Buffer.from('AES-256-GCM'), [KEY_ID]: Buffer.from(id) },
    data: Buffer.concat([nonce, ...sealed, cipher.getAuthTag()]),
  };
}

/** @throws CodecError */
function open({ metadata, data }: Payload, keys: ReadonlyMap<string, Buffer>): Payload {
  const id = textOf(metadata?.[KEY_ID]);
  const key = keys.get(id);
  if (keys.size === 0) {
    const text = `What Temporal keeps is encrypted with the key ${JSON.stringify(id)}, and this process has no keys: set DSXCONNECT_CODEC_KEYS_FILE to the file that the other processes have.`;
    throw new CodecError('codec_off', text);
  }
  if (key === undefined) {
    const text = `What Temporal keeps was encrypted with the key ${JSON.stringify(id)}, and this process has only ${[...keys.keys()].join(', ')}: add that key to DSXCONNECT_CODEC_KEYS_FILE.`;
    throw new CodecError('codec_key_unknown', text);
  }
  const bytes = Buffer.from(data ?? []);
  try {
    const decipher = createDecipheriv(AES_256_GCM, key, bytes.subarray(0, NONCE), { authTagLength: TAG });
    decipher.setAuthTag(bytes.subarray(-TAG));
    return payloadOf(Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]));
  } catch (cause) {
    const text = `The key ${JSON.stringify(id)} of this process does not open what was encrypted under that id: another key has the same id, or the bytes were changed. Give all processes the same DSXCONNECT_CODEC_KEYS_FILE.`;
    throw new CodecError('codec_damaged', text, { cause });
  }
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}
