import { z } from 'zod';
import { QUIET_MS } from '../domain/remote.ts';
import type { ConfigProblem } from './errors.ts';
import { absolutePath, integer, onOff } from './fields.ts';
import { readSecret } from './files.ts';
import { Secret } from './secret.ts';

/** How remote connectors are dealt with. */
export interface RemoteConfig {
  /** Whether they must enrol with a token, and sign what they send. */
  readonly auth: boolean;
  /** Tokens that let a connector enrol; needed by the API alone. */
  readonly tokens: readonly Secret[];
  /** What the secrets of their keys are derived from. Present with `auth`. */
  readonly masterKey?: Secret;
  /** As `QUIET_MS`. */
  readonly quietMs: number;
}

/** Shortest token and shortest master key, in characters. */
const LEAST_TOKEN = 16;
const LEAST_KEY = 32;

/** One token, or several with commas, or as a JSON list, as the former product took them. */
const tokens = z.string().transform((input, context): Secret[] => {
  const text = input.trim();
  const parts = text.startsWith('[') ? listOf(text) : text.split(',').map((part) => part.trim());
  const found = parts?.filter((part) => part !== '') ?? [];
  if (parts !== undefined && found.length > 0 && found.every((part) => part.length >= LEAST_TOKEN)) {
    return found.map((part) => new Secret(part));
  }
  const message = `each token must have ${LEAST_TOKEN} characters at least; make one with: openssl rand -hex 32`;
  context.issues.push({ code: 'custom', input, message });
  return z.NEVER;
});

/** The variables of remote connectors. */
export const remoteShape = {
  DSXCONNECT_AUTH__ENABLED: onOff.default(false),
  DSXCONNECT_REMOTE_KEY_FILE: absolutePath.optional(),
};

/** Those of the process that connectors register at. */
export const enrolmentShape = {
  DSXCONNECT_AUTH__ENROLLMENT_TOKEN: tokens.optional(),
  DSXCONNECT_AUTH__ENROLLMENT_TOKENS: tokens.optional(),
  DSXCONNECT_REMOTE_QUIET: integer(1, 3_600).default(QUIET_MS / 1000),
};
type RemoteVariables = z.output<z.ZodObject<typeof remoteShape>> &
  Partial<z.output<z.ZodObject<typeof enrolmentShape>>>;

/** Problems are added to the list. @param enrols whether connectors register at this process */
export function buildRemote(set: RemoteVariables, enrols: boolean, problems: ConfigProblem[]): RemoteConfig {
  const auth = set.DSXCONNECT_AUTH__ENABLED;
  const one = set.DSXCONNECT_AUTH__ENROLLMENT_TOKEN ?? [];
  const given = [...one, ...(set.DSXCONNECT_AUTH__ENROLLMENT_TOKENS ?? [])];
  const file = set.DSXCONNECT_REMOTE_KEY_FILE;
  if (auth && enrols && given.length === 0) {
    const text = 'is needed with DSXCONNECT_AUTH__ENABLED; make a token with: openssl rand -hex 32';
    problems.push({ code: 'missing_value', variable: 'DSXCONNECT_AUTH__ENROLLMENT_TOKEN', text });
  }
  if (auth && enrols && file === undefined) {
    const text = 'is needed with DSXCONNECT_AUTH__ENABLED; make the file with: openssl rand -hex 32';
    problems.push({ code: 'missing_value', variable: 'DSXCONNECT_REMOTE_KEY_FILE', text });
  }
  const masterKey = file === undefined ? undefined : masterOf(file, problems);
  return {
    auth,
    tokens: given,
    ...(masterKey !== undefined && { masterKey }),
    quietMs: (set.DSXCONNECT_REMOTE_QUIET ?? QUIET_MS / 1000) * 1000,
  };
}

function masterOf(file: string, problems: ConfigProblem[]): Secret | undefined {
  const key = readSecret(file, { variable: 'DSXCONNECT_REMOTE_KEY_FILE' }, LEAST_KEY);
  if (key instanceof Secret) return key;
  problems.push(key);
  return undefined;
}

function listOf(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}
