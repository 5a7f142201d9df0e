import type { z } from 'zod';
import type { ConfigProblem } from './errors.ts';
import { absolutePath, redisAddress } from './fields.ts';
import { type Secret, secretUrl } from './secret.ts';
import { type TlsFiles, tlsFiles, tlsProblems } from './tls.ts';

/** How Redis is reached. */
export interface RedisSettings {
  readonly url: Secret;
  /** Present with `rediss://`; the files could be used at load. */
  readonly tls?: TlsFiles;
}

/** The variables of Redis. */
export const redisShape = {
  REDIS_URL: redisAddress.optional(),
  REDIS_TLS_CA_FILE: absolutePath.optional(),
  REDIS_TLS_CERT_FILE: absolutePath.optional(),
  REDIS_TLS_KEY_FILE: absolutePath.optional(),
};
type RedisVariables = z.output<z.ZodObject<typeof redisShape>>;

/** How to reach Redis; undefined without an address. Problems are added to the list. */
export function buildRedis(set: RedisVariables, problems: ConfigProblem[]): RedisSettings | undefined {
  const files = tlsFiles(set.REDIS_TLS_CERT_FILE, set.REDIS_TLS_KEY_FILE, set.REDIS_TLS_CA_FILE);
  const secure = set.REDIS_URL?.startsWith('rediss:') ?? false;
  const by = {
    certFile: { variable: 'REDIS_TLS_CERT_FILE' },
    keyFile: { variable: 'REDIS_TLS_KEY_FILE' },
    caFile: { variable: 'REDIS_TLS_CA_FILE' },
  };
  problems.push(...tlsProblems(files, by));
  const named = (['caFile', 'certFile', 'keyFile'] as const).find((name) => files[name] !== undefined);
  if (set.REDIS_URL !== undefined && !secure && named !== undefined) {
    const text = 'is set, but REDIS_URL begins with redis://, which is not encrypted; write rediss://, or unset this';
    problems.push({ code: 'conflicting_variables', ...by[named], text });
  }
  if (set.REDIS_URL === undefined) return undefined;
  return { url: secretUrl(set.REDIS_URL), ...(secure && { tls: files }) };
}
