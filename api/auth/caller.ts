import { timingSafeEqual } from 'node:crypto';
import type { Response } from 'express';
import type { Role } from '../../domain/role.ts';
import type { KeyRing } from './key-ring.ts';
import { digest } from './key-text.ts';

/** Who asks. */
export interface Caller {
  /** As jobs, decisions and the audit log name it: `local`, `api-key` (the key of the file) or `key:<name>`. */
  readonly actor: string;
  readonly role: Role;
  /** Id of the key, when it is one of the ledger's. */
  readonly key?: string;
}

/** On loopback without a key of the API: who reaches this machine's own address is its administrator. */
const LOCAL: Caller = { actor: 'local', role: 'admin' };
const BOOTSTRAP: Caller = { actor: 'api-key', role: 'admin' };

export interface CallersOptions {
  /** The key of the file; undefined only on loopback. */
  readonly bootstrap: string | undefined;
  /** The keys of the ledger, where there is a key of the file. */
  readonly ring: KeyRing | undefined;
  /** Told of every use of a key of the ledger. */
  readonly onUse: (key: string) => Promise<void>;
}

/**
 * Finds the caller of an `Authorization` header: `Bearer KEY`, or, where `basic` says so, `Basic` with the key as password, which is what
 * a browser can send. Undefined: nobody who is known. @throws LedgerError when the keys can't be read
 */
export type FindCaller = (authorization: string | undefined, basic: boolean) => Promise<Caller | undefined>;

export function createCallers({ bootstrap, ring, onUse }: CallersOptions): FindCaller {
  const expected = bootstrap === undefined ? undefined : digest(bootstrap);
  return async (authorization, basic) => {
    if (expected === undefined) return authorization === undefined ? LOCAL : undefined;
    const text = keyIn(authorization, basic);
    if (text === undefined) return undefined;
    if (timingSafeEqual(digest(text), expected)) return BOOTSTRAP;
    const found = await ring?.find(text);
    if (found === undefined) return undefined;
    await onUse(found.id);
    return { actor: `key:${found.name}`, role: found.role, key: found.id };
  };
}

function keyIn(authorization: string | undefined, basic: boolean): string | undefined {
  const [, scheme = '', value = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme === '' || !basic) return undefined;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined;
}

/** Who was found for this request; undefined on routes that are open, or check their sender themselves. */
export function callerOf(response: Response): Caller | undefined {
  return response.locals.caller as Caller | undefined;
}

export function setCaller(response: Response, caller: Caller): void {
  response.locals.caller = caller;
}
