import { SECRET_FIELDS } from '../../config/connectors/connectors.ts';
import { SINK_SECRETS } from '../../config/results.ts';

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

/** Members whose names say so, in any spelling: `clientSecret`, `sp_client_secret`, `API-TOKEN`, `accountKey`, `sasUrl`. */
const NAMES =
  /secret|passw|passphrase|token|credential|connection_?string|private_?key|(access|account|api|auth|shared|signing|encryption|hmac|master)_?key|^sas|_sas/i;
/** `https://user:password@host`. */
const USER = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i;

function isSecretName(name: string): boolean {
  return SECRET_FIELDS.has(name) || SINK_SECRETS.includes(name) || NAMES.test(name.replaceAll('-', '_'));
}

/**
 * A JSON value without its secrets: those that their names tell, at any depth, and the user and password of addresses. What is empty stays, and so
 * does a reference (`${NAME}`), since it tells which secret was meant and not what it is.
 */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(USER, `$1${REDACTED}@`);
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      isSecretName(name) && !isHarmless(part) ? REDACTED : withoutSecrets(part),
    ]),
  );
}

function isHarmless(value: unknown): boolean {
  if (value === null || value === '' || typeof value === 'boolean') return true;
  return typeof value === 'string' && /^\$\{[^}]+\}$/.test(value);
}
