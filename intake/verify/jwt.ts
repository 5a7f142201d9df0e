import { createRemoteJWKSet, customFetch, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { type Delivery, DeliveryError, single } from '../delivery.ts';

const KEYS_TIMEOUT_MS = 5_000;
const MAX_KEYS_BYTES = 256 * 1024;
/** How far clocks may differ, in seconds. */
const CLOCK_TOLERANCE = 30;
const LONGEST_TOKEN = 8 * 1024;

export interface TokenRules {
  readonly issuers: readonly string[];
  readonly audience: string;
}

/** Checks tokens of one authority. */
export type TokenCheck = (token: string) => Promise<JWTPayload>;

/**
 * Keys are fetched when first needed, kept for ten minutes, and for an unknown key fetched anew at most every 30 s. Only the address
 * given here is ever asked: what a token names (`jku`, `x5u`) is not.
 * @returns a check that resolves to the claims. It throws DeliveryError: `unverified`, `unavailable` when the keys can't be had
 */
export function tokenCheck(jwksUrl: string, { issuers, audience }: TokenRules): TokenCheck {
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: KEYS_TIMEOUT_MS,
    cooldownDuration: 30_000,
    cacheMaxAge: 600_000,
    [customFetch]: boundedFetch,
  });
  const getKey: JWTVerifyGetKey = (header, token) =>
    keys(header, token).catch((cause: unknown) => {
      const isAboutToken = cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JOSENotSupported;
      if (isAboutToken || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
      throw new DeliveryError('unavailable', `the keys at ${jwksUrl} can't be had`, { cause });
    });
  return async (token) => {
    if (token.length > LONGEST_TOKEN) throw new DeliveryError('unverified', 'the token is too long');
    try {
      const { payload } = await jwtVerify(token, getKey, {
        algorithms: ['RS256'],
        issuer: [...issuers],
        audience,
        clockTolerance: CLOCK_TOLERANCE,
        requiredClaims: ['exp', 'iat'],
      });
      return payload;
    } catch (cause) {
      if (cause instanceof DeliveryError) throw cause;
      throw new DeliveryError('unverified', 'the token is not good', { cause });
    }
  };
}

/** The token of `Authorization: Bearer`. @throws DeliveryError `unverified` */
export function bearerOf({ headers }: Delivery): string {
  const token = /^Bearer +([\w.~+/=-]+)$/i.exec(single(headers.authorization) ?? '')?.[1];
  if (token === undefined) throw new DeliveryError('unverified', 'there is no bearer token');
  return token;
}

async function boundedFetch(url: string, options: RequestInit): Promise<Response> {
  const answer = await fetch(url, { ...options, redirect: 'manual' });
  if (answer.status !== 200 || answer.body === null) return answer;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_KEYS_BYTES) throw new Error(`more than ${MAX_KEYS_BYTES} bytes of keys`);
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks), { status: 200 });
}
