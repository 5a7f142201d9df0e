import { createHmac } from 'node:crypto';

/** The fields of a `DSX-HMAC` header, as they were sent. */
export interface HmacFields {
  readonly keyId: string;
  /** Whole seconds since the epoch, in digits. */
  readonly ts: string;
  readonly nonce: string;
  /** Base64 of 32 bytes. */
  readonly sig: string;
}

export function hmacHeader({ keyId, ts, nonce, sig }: HmacFields): string {
  return `DSX-HMAC key_id=${keyId}, ts=${ts}, nonce=${nonce}, sig=${sig}`;
}

/** What is signed of a request. */
export interface SignedRequest {
  readonly method: string;
  /** The request-target as it is on the wire: path with its encoding, and `?query` if there is one. */
  readonly target: string;
  readonly body: Uint8Array;
}

/** `METHOD|path_and_query|ts|nonce|` and the raw body. */
export function canonicalBytes({ method, target, body }: SignedRequest, ts: string, nonce: string): Buffer {
  return Buffer.concat([Buffer.from(`${method.toUpperCase()}|${target}|${ts}|${nonce}|`, 'utf8'), body]);
}

/** Base64 of HMAC-SHA-256. The secret is a string of base64, and is used as it is written, not decoded: clients do so. */
export function signature(secret: string, request: SignedRequest, ts: string, nonce: string): string {
  return createHmac('sha256', secret)
    .update(canonicalBytes(request, ts, nonce))
    .digest('base64');
}

/** The `Authorization` header of a request. `ts`: seconds since the epoch. `nonce`: 12 random bytes in base64, new for each request. */
export function signRequest(
  request: SignedRequest,
  key: { readonly id: string; readonly secret: string },
  ts: number,
  nonce: string,
): string {
  const text = String(ts);
  return hmacHeader({ keyId: key.id, ts: text, nonce, sig: signature(key.secret, request, text, nonce) });
}
