import path from 'node:path';
import { z } from 'zod';
import { type BucketAccess, isUrl, LEDGER_PLACES, parseLedgerBucket, placeOf } from '../domain/ledger-place.ts';
import { readEnvironment } from './environment.ts';
import { ConfigError, type ConfigProblem, refuseIfAny } from './errors.ts';
import { absolutePath, webAddress } from './fields.ts';
import { readSecret, unreadable } from './files.ts';
import { Secret } from './secret.ts';

/** Where the ledger lies, and how a bucket is reached. */
export interface LedgerSettings {
  /** Absolute folder, or URL of a bucket and a prefix in it; it need not exist yet. */
  readonly place: string;
  readonly access: BucketAccess;
}

const place = z.string().transform((input, context) => {
  const value = input.trim();
  const bucket = parseLedgerBucket(value);
  if (bucket !== undefined) return placeOf(bucket);
  if (!isUrl(value) && path.isAbsolute(value) && !value.includes('\0')) return path.resolve(value);
  const message = isUrl(value)
    ? `must be ${LEDGER_PLACES}`
    : `must be an absolute path (it starts with /), or a bucket`;
  context.issues.push({ code: 'custom', input, message });
  return z.NEVER;
});

const endpoint = webAddress.refine((value) => {
  const { username, password, search, hash } = new URL(value);
  return username + password + search + hash === '';
}, 'must be an address without user, query and fragment');

const text = z.string().trim();

/** The variables of the ledger. */
export const ledgerShape = {
  DSX_LEDGER: place.optional(),
  DSX_LEDGER_ENDPOINT: endpoint.optional(),
  DSX_LEDGER_REGION: text.optional(),
  DSX_LEDGER_ACCESS_KEY_ID: text.optional(),
  DSX_LEDGER_SECRET_ACCESS_KEY: text.optional(),
  DSX_LEDGER_SECRET_ACCESS_KEY_FILE: absolutePath.optional(),
  DSX_LEDGER_ACCOUNT_KEY: text.optional(),
  DSX_LEDGER_ACCOUNT_KEY_FILE: absolutePath.optional(),
  DSX_LEDGER_SAS_TOKEN: text.optional(),
  DSX_LEDGER_SAS_TOKEN_FILE: absolutePath.optional(),
  DSX_LEDGER_CREDENTIALS_FILE: absolutePath.optional(),
};
type LedgerVariables = z.output<z.ZodObject<typeof ledgerShape>>;
type Name = Exclude<keyof LedgerVariables, 'DSX_LEDGER'>;

/** Which variables mean something for which scheme. */
const OF_SCHEME: Readonly<Record<string, readonly Name[]>> = {
  s3: [
    'DSX_LEDGER_ENDPOINT',
    'DSX_LEDGER_REGION',
    'DSX_LEDGER_ACCESS_KEY_ID',
    'DSX_LEDGER_SECRET_ACCESS_KEY',
    'DSX_LEDGER_SECRET_ACCESS_KEY_FILE',
  ],
  az: [
    'DSX_LEDGER_ENDPOINT',
    'DSX_LEDGER_ACCOUNT_KEY',
    'DSX_LEDGER_ACCOUNT_KEY_FILE',
    'DSX_LEDGER_SAS_TOKEN',
    'DSX_LEDGER_SAS_TOKEN_FILE',
  ],
  gs: ['DSX_LEDGER_ENDPOINT', 'DSX_LEDGER_CREDENTIALS_FILE'],
};

/** The ledger of a process. Problems are added to the list. */
export function buildLedger(set: LedgerVariables, home: string, problems: ConfigProblem[]): LedgerSettings {
  const at = set.DSX_LEDGER ?? path.join(home, 'ledger');
  const scheme = isUrl(at) ? at.slice(0, 2) : 'folder';
  const names = Object.keys(ledgerShape).filter((name): name is Name => name !== 'DSX_LEDGER');
  for (const variable of names) {
    if (set[variable] === undefined || OF_SCHEME[scheme]?.includes(variable)) continue;
    const schemes = Object.keys(OF_SCHEME).filter((one) => OF_SCHEME[one]?.includes(variable));
    const meant = schemes.map((one) => `${one}://`).join(', ');
    const text = `is for a ledger at ${meant}, and the ledger lies at ${at}; unset it, or correct DSX_LEDGER`;
    problems.push({ code: 'conflicting_variables', variable, text });
  }
  const secretAccessKey = secretOf(set, 'DSX_LEDGER_SECRET_ACCESS_KEY', problems);
  const accountKey = secretOf(set, 'DSX_LEDGER_ACCOUNT_KEY', problems);
  const sasToken = secretOf(set, 'DSX_LEDGER_SAS_TOKEN', problems);
  const { DSX_LEDGER_ACCESS_KEY_ID: accessKeyId, DSX_LEDGER_CREDENTIALS_FILE: credentialsFile } = set;
  const needs = (variable: Name, text: string): number =>
    problems.push({ code: 'conflicting_variables', variable, text });
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    const missing = accessKeyId === undefined ? 'DSX_LEDGER_ACCESS_KEY_ID' : 'DSX_LEDGER_SECRET_ACCESS_KEY';
    needs(missing, 'a key needs both its id and its secret; set this one too, or neither');
  }
  if (accountKey !== undefined && sasToken !== undefined) {
    needs('DSX_LEDGER_SAS_TOKEN', 'is set beside the key of the account; unset the one or the other');
  }
  const problem =
    credentialsFile === undefined
      ? undefined
      : unreadable(credentialsFile, { variable: 'DSX_LEDGER_CREDENTIALS_FILE' });
  if (problem !== undefined) problems.push(problem);
  const { DSX_LEDGER_ENDPOINT: endpointAt, DSX_LEDGER_REGION: region } = set;
  return {
    place: at,
    access: {
      ...(endpointAt !== undefined && { endpoint: endpointAt }),
      ...(region !== undefined && { region }),
      ...(accessKeyId !== undefined && { accessKeyId }),
      ...(secretAccessKey !== undefined && { secretAccessKey }),
      ...(accountKey !== undefined && { accountKey }),
      ...(sasToken !== undefined && { sasToken }),
      ...(credentialsFile !== undefined && { credentialsFile }),
    },
  };
}

type SecretName = 'DSX_LEDGER_SECRET_ACCESS_KEY' | 'DSX_LEDGER_ACCOUNT_KEY' | 'DSX_LEDGER_SAS_TOKEN';

function secretOf(set: LedgerVariables, variable: SecretName, problems: ConfigProblem[]): Secret | undefined {
  const given = set[variable];
  const file = set[`${variable}_FILE`];
  if (file === undefined) return given === undefined ? undefined : new Secret(given);
  const read = readSecret(file, { variable: `${variable}_FILE` });
  if (given !== undefined) {
    problems.push({
      code: 'conflicting_variables',
      variable,
      text: `is set beside ${variable}_FILE; unset one of them`,
    });
  }
  if (read instanceof Secret) return read;
  problems.push(read);
  return undefined;
}

/**
 * The ledger that the variables of a command name, without anything else of the configuration.
 * @param named a place that wins over `DSX_LEDGER`
 * @throws ConfigError
 */
export function loadLedger(env: NodeJS.ProcessEnv, home: string, named?: string): LedgerSettings {
  if (named !== undefined && !isUrl(named)) return { place: named, access: {} };
  const { values } = readEnvironment(env, 'cli');
  const parsed = z.object(ledgerShape).safeParse({ ...values, ...(named !== undefined && { DSX_LEDGER: named }) });
  if (!parsed.success) {
    const [first, ...rest] = parsed.error.issues.map((issue): ConfigProblem => {
      return { code: 'invalid_variable', variable: String(issue.path[0]), text: issue.message };
    });
    throw first === undefined ? parsed.error : new ConfigError([first, ...rest]);
  }
  const problems: ConfigProblem[] = [];
  const settings = buildLedger(parsed.data, home, problems);
  refuseIfAny(problems);
  return settings;
}
