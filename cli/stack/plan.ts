import { loadApiConfig } from '../../config/api.ts';
import { readEnvironment } from '../../config/environment.ts';
import { ConfigError } from '../../config/errors.ts';
import { loadWorkerConfig, type WorkerConfig } from '../../config/worker.ts';
import { CliError } from '../errors.ts';
import { PARTS, type Part, type StackOptions } from './contract.ts';
import { isolate, withoutTemporal } from './isolate.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a stack is made of, decided from the options, the environment and the configuration file alone. */
export interface Plan {
  /** Parts to start. */
  readonly own: readonly Part[];
  readonly external: External;
  readonly absent: readonly { readonly part: Part; readonly why: string }[];
  readonly scanners: readonly string[];
  readonly workers: number;
  readonly apiHost: string;
  /** The port that the API must have; undefined: any free one. */
  readonly apiPort: number | undefined;
  readonly apiScheme: 'http' | 'https';
  readonly apiKeyFile: string | undefined;
  readonly ledger: string;
  /** Whether the other parts take their well-known ports where those are free. */
  readonly wellKnownPorts: boolean;
  /** The environment of the parts, without what `isolated` ignores. */
  readonly env: Environment;
}

/** Parts that the environment names: used as they are. */
export interface External {
  readonly temporal?: { readonly address: string; readonly namespace: string; readonly tls: boolean } | undefined;
  readonly redis?: string | undefined;
  readonly scanner?: string | undefined;
  readonly standin?: string | undefined;
}

/** @throws CliError with exit 2 for what cannot be meant, and for each setting that is wrong */
export function planStack(options: StackOptions): Plan {
  const given: Environment = { ...(options.isolated ? isolate(options.env) : options.env), DSX_HOME: options.home };
  const wanted = PARTS.filter((part) => (options.only?.includes(part) ?? true) && !options.skip?.includes(part));
  if (wanted.length === 0) {
    throw new CliError(
      'usage',
      'no_parts',
      `nothing is left to start: --only and --skip leave none of ${PARTS.join(', ')}`,
    );
  }
  const { api, worker } = readSettings(given);
  const external = externalParts(given, worker);
  const absent = PARTS.flatMap((part) => {
    const why = wanted.includes(part) ? whyNot(part, external, worker.appEnv) : 'left out by --only or --skip';
    return why === undefined ? [] : [{ part, why }];
  });
  const own = PARTS.filter((part) => !absent.some((one) => one.part === part));
  const lost = own.find(
    (part) => (part === 'worker' || part === 'api') && !own.includes('temporal') && !external.temporal,
  );
  if (lost) {
    const both = `--only temporal,${own.join(',')}`;
    throw new CliError(
      'usage',
      'no_temporal_for_part',
      `${lost} needs Temporal: start it too (${both}), or set TEMPORAL_ADDRESS`,
    );
  }
  const free = !options.standing || api.port === 0;
  return {
    own,
    external,
    absent,
    scanners: [...new Set([...Object.keys(worker.scanners), ...(own.includes('standin') ? ['standin'] : [])])],
    workers: workerCount(options.workers),
    apiHost: api.host,
    apiPort: free ? undefined : api.port,
    apiScheme: api.tls ? 'https' : 'http',
    apiKeyFile: api.apiKey ? given.DSXCONNECT_API_KEY_FILE : undefined,
    ledger: worker.ledger.place,
    wellKnownPorts: options.standing ?? false,
    env: external.temporal ? given : withoutTemporal(given),
  };
}

/** Reads a list such as `temporal,api`. @throws CliError with exit 2 that names the parts there are */
export function parseParts(option: string, list: string): Part[] {
  const names = list.split(',').map((name) => name.trim());
  for (const name of names) {
    if ((PARTS as readonly string[]).includes(name)) continue;
    const what = name === '' ? 'an empty name' : `no part ${JSON.stringify(name)}`;
    throw new CliError('usage', 'unknown_part', `${option}: ${what}; the parts are ${PARTS.join(', ')}`);
  }
  return names as Part[];
}

function readSettings(env: Environment) {
  try {
    return { api: loadApiConfig(env as NodeJS.ProcessEnv), worker: loadWorkerConfig(env as NodeJS.ProcessEnv) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CliError('usage', error.code, error.message, { cause: error });
  }
}

function externalParts(env: Environment, { temporal, redis, scanners }: WorkerConfig): External {
  const { values } = readEnvironment(env as NodeJS.ProcessEnv, 'worker');
  const { address, namespace, tls } = temporal;
  return {
    temporal: values.TEMPORAL_ADDRESS ? { address, namespace, tls: tls !== undefined } : undefined,
    redis: redis?.url.reveal(),
    scanner: values.DSXA_SCANNER_URL && scanners.dsxa?.url,
    standin: values.DSXA_STANDIN_URL && scanners.standin?.url,
  };
}

function whyNot(part: Part, external: External, appEnv: string): string | undefined {
  if (part === 'temporal' && external.temporal) return 'TEMPORAL_ADDRESS is set';
  if (part === 'valkey' && external.redis) return 'REDIS_URL is set';
  if (part !== 'standin') return undefined;
  if (external.scanner) return 'DSXA_SCANNER_URL is set';
  if (external.standin) return 'DSXA_STANDIN_URL is set';
  return appEnv === 'dev' ? undefined : `APP_ENV is ${appEnv}, where no stand-in may judge`;
}

function workerCount(count = 1): number {
  if (Number.isSafeInteger(count) && count >= 1 && count <= 64) return count;
  throw new CliError('usage', 'bad_worker_count', `${count} workers cannot be started: give a number from 1 to 64`);
}
