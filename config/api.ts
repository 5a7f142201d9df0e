import net from 'node:net';
import { z } from 'zod';
import { buildCommon, type CommonConfig, commonShape, finish, parseVariables } from './common.ts';
import type { ConfigProblem } from './errors.ts';
import { absolutePath, integer, onOff, publicHosts } from './fields.ts';
import { readSecret } from './files.ts';
import { enrolmentShape } from './remote.ts';
import { Secret } from './secret.ts';
import { tlsFiles, tlsProblems } from './tls.ts';

/** Everything the API process is told. Frozen. */
export interface ApiConfig extends CommonConfig {
  /** A name or an address, without brackets. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** True when `host` is this machine alone. */
  readonly loopback: boolean;
  /** The bearer key. Always present when `loopback` is false. */
  readonly apiKey?: Secret;
  /** Requests of each key, each second in the long run. */
  readonly requestsPerSecond: number;
  /** Whether callers may scan folders that are no connector. */
  readonly folderScans: boolean;
  /** Names under which sources of events reach this process, lower-case, with their port where it is written. */
  readonly publicHosts: readonly string[];
  /** Present when HTTPS is spoken; the files could be used at load. */
  readonly tls?: ApiTls;
}

export const TLS_VERSIONS = ['1.2', '1.3'] as const;

export interface ApiTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Present: only clients with a certificate of these authorities are let in. */
  readonly clientCaFile?: string;
  readonly minVersion: (typeof TLS_VERSIONS)[number];
}

/** Shortest API key that is accepted, in characters. */
const LEAST_KEY = 16;

const host = z.string().transform((input, context) => {
  const value = input.trim().replace(/^\[(.*)\]$/, '$1');
  if (net.isIP(value) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(value)) return value;
  context.issues.push({
    code: 'custom',
    input,
    message: 'must be an address or a name without scheme and port, as 127.0.0.1',
  });
  return z.NEVER;
});

const port = z.string().transform((input, context) => {
  const parsed = integer(0, 65535).safeParse(input);
  if (parsed.success) return parsed.data;
  const message = /^\w+:\/\//.test(input)
    ? 'was set by the container platform for a service named "api"; switch its service links off or set the port'
    : 'must be a port from 0 to 65535';
  context.issues.push({ code: 'custom', input, message });
  return z.NEVER;
});

/** The variables of the API. */
export const apiSchema = z.strictObject({
  ...commonShape,
  API_HOST: host.default('127.0.0.1'),
  API_PORT: port.default(8586),
  DSXCONNECT_API_KEY_FILE: absolutePath.optional(),
  DSXCONNECT_REQUESTS_PER_SECOND: integer(1, 100_000).default(100),
  DSXCONNECT_FOLDER_SCANS: onOff.optional(),
  DSXCONNECT_PUBLIC_HOSTS: publicHosts.default([]),
  ...enrolmentShape,
  USE_TLS: onOff.default(false),
  TLS_CERT_FILE: absolutePath.optional(),
  TLS_KEY_FILE: absolutePath.optional(),
  TLS_CLIENT_CA_FILE: absolutePath.optional(),
  TLS_MIN_VERSION: z.enum(TLS_VERSIONS, { error: `must be ${TLS_VERSIONS.join(' or ')}` }).default('1.2'),
});

const loopbacks = new net.BlockList();
loopbacks.addSubnet('127.0.0.0', 8, 'ipv4');
loopbacks.addAddress('::1', 'ipv6');

/** True for addresses that only this machine can reach. Names other than `localhost` are not trusted to be. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (bare === 'localhost') return true;
  const family = net.isIP(bare);
  return family !== 0 && loopbacks.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Reads the environment and the configuration file of the API.
 * @throws ConfigError naming every variable, field and line that is wrong, and what to do
 */
export function loadApiConfig(env: NodeJS.ProcessEnv): ApiConfig {
  const problems: ConfigProblem[] = [];
  const set = parseVariables(env, 'api', apiSchema, problems);
  const loopback = isLoopback(set.API_HOST);
  const apiKey = readKey(set.DSXCONNECT_API_KEY_FILE, problems);
  if (!loopback && set.DSXCONNECT_API_KEY_FILE === undefined) {
    const text = `${set.API_HOST} can be reached from other machines, which needs a key: set DSXCONNECT_API_KEY_FILE to a file that holds one (make one with: openssl rand -hex 32), or set API_HOST to 127.0.0.1`;
    problems.push({ code: 'unsafe', variable: 'API_HOST', text });
  }
  const tls = tlsOf(set, problems);
  const config: ApiConfig = {
    ...buildCommon(env, set, problems, () => false, true),
    host: set.API_HOST,
    port: set.API_PORT,
    loopback,
    ...(apiKey !== undefined && { apiKey }),
    requestsPerSecond: set.DSXCONNECT_REQUESTS_PER_SECOND,
    folderScans: set.DSXCONNECT_FOLDER_SCANS ?? loopback,
    publicHosts: set.DSXCONNECT_PUBLIC_HOSTS,
    ...(tls !== undefined && { tls }),
  };
  return finish(config, problems);
}

function readKey(file: string | undefined, problems: ConfigProblem[]): Secret | undefined {
  if (file === undefined) return undefined;
  const key = readSecret(file, { variable: 'DSXCONNECT_API_KEY_FILE' }, LEAST_KEY);
  if (key instanceof Secret) return key;
  problems.push(key);
  return undefined;
}

function tlsOf(set: z.output<typeof apiSchema>, problems: ConfigProblem[]): ApiConfig['tls'] {
  const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, TLS_CLIENT_CA_FILE: clientCaFile } = set;
  if (!set.USE_TLS) {
    if (clientCaFile !== undefined) {
      const text = 'is set, but the API speaks plain HTTP; set USE_TLS=on with a certificate, or unset this';
      problems.push({ code: 'conflicting_variables', variable: 'TLS_CLIENT_CA_FILE', text });
    }
    return undefined;
  }
  if (certFile === undefined && keyFile === undefined) {
    for (const variable of ['TLS_CERT_FILE', 'TLS_KEY_FILE']) {
      problems.push({ code: 'conflicting_variables', variable, text: 'is needed with USE_TLS; set it to a PEM file' });
    }
  }
  problems.push(
    ...tlsProblems(tlsFiles(certFile, keyFile, clientCaFile), {
      certFile: { variable: 'TLS_CERT_FILE' },
      keyFile: { variable: 'TLS_KEY_FILE' },
      caFile: { variable: 'TLS_CLIENT_CA_FILE' },
    }),
  );
  if (certFile === undefined || keyFile === undefined) return undefined;
  return { certFile, keyFile, minVersion: set.TLS_MIN_VERSION, ...(clientCaFile !== undefined && { clientCaFile }) };
}
