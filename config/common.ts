import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { SchedulePlan } from '../domain/schedule/schedule.ts';
import { type AllowedTarget, parseAllowed } from '../net/allowed.ts';
import { definitionSecrets } from './connectors/definition.ts';
import type { ConnectorSettings } from './connectors/settings.ts';
import { isSecret, type ProcessName, readEnvironment } from './environment.ts';
import { ConfigError, type ConfigProblem, refuseIfAny } from './errors.ts';
import { absolutePath } from './fields.ts';
import { type ConfigFile, loadConfigFile } from './file.ts';
import { unreadable } from './files.ts';
import { buildLedger, type LedgerSettings, ledgerShape } from './ledger.ts';
import { buildRedis, type RedisSettings, redisShape } from './redis.ts';
import { buildRemote, type RemoteConfig, remoteShape } from './remote.ts';
import type { SinkSettings } from './results.ts';
import { buildScanners, type ScannerSettings, scannerShape } from './scanners.ts';
import type { Secret } from './secret.ts';
import { buildTemporal, type TemporalSettings, temporalShape } from './temporal.ts';

export type AppEnv = 'dev' | 'stag' | 'prod';
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What every process knows. */
export interface CommonConfig {
  readonly appEnv: AppEnv;
  readonly logLevel: LogLevel;
  /** Absolute folder of the state; it need not exist yet. */
  readonly home: string;
  readonly ledger: LedgerSettings;
  /** The configuration file that was read, if any. */
  readonly configFile?: string;
  readonly redis?: RedisSettings;
  readonly temporal: TemporalSettings;
  /** By name: `dsxa` when a scanner is configured, `standin` when one may be used. */
  readonly scanners: Readonly<Record<string, ScannerSettings>>;
  readonly connectors: readonly ConnectorSettings[];
  /** What connectors that are made through the API may refer to: the variables `DSX_SECRET_…`, by name. */
  readonly definitionSecrets: Readonly<Record<string, Secret>>;
  /** Where results are sent, by the orchestrators. */
  readonly results: readonly SinkSettings[];
  readonly schedules: readonly SchedulePlan[];
  /** What may be reached although it is not public, or without TLS, when a user or a connector names it. */
  readonly allowedAddresses: readonly AllowedTarget[];
  /** Connectors that are services of their own. */
  readonly remote: RemoteConfig;
}

const appEnv = z.string().transform((input, context): AppEnv => {
  const value = input.trim().toLowerCase();
  if (value === 'dev' || value === 'stag' || value === 'prod') return value;
  if (value === 'stg') return 'stag';
  context.issues.push({ code: 'custom', input, message: 'must be dev, stag or prod' });
  return z.NEVER;
});

const logLevel = z.string().transform((input, context): LogLevel => {
  const value = input.trim().toLowerCase();
  const level = LOG_LEVELS.find((known) => known === ({ warning: 'warn', critical: 'fatal' }[value] ?? value));
  if (level !== undefined) return level;
  context.issues.push({ code: 'custom', input, message: `must be one of ${LOG_LEVELS.join(', ')}` });
  return z.NEVER;
});

const allowedAddresses = z.string().transform((input, context): AllowedTarget[] => {
  const entries = input.split(',').filter((entry) => entry.trim() !== '');
  return entries.flatMap((entry) => {
    const parsed = parseAllowed(entry);
    if (parsed !== undefined) return [parsed];
    const message = `${JSON.stringify(entry.trim())} is no address, range or host, as 10.1.0.0/16, fd12::/64, storage.corp.example or .corp.example`;
    context.issues.push({ code: 'custom', input, message });
    return [];
  });
});

/** The variables that the API and the workers share. */
export const commonShape = {
  APP_ENV: appEnv.default('dev'),
  LOG_LEVEL: logLevel.default('info'),
  DSX_HOME: absolutePath.optional(),
  ...ledgerShape,
  DSX_CONFIG: z.string().optional(),
  ...redisShape,
  ...temporalShape,
  ...scannerShape,
  DSXCONNECT_ALLOWED_ADDRESSES: allowedAddresses.default([]),
  ...remoteShape,
};
type CommonVariables = z.output<z.ZodObject<typeof commonShape>>;

/** The state folder: $DSX_HOME, else below $XDG_STATE_HOME (by its specification only if absolute), else below the home folder. */
export function stateHome(env: Readonly<Record<string, string | undefined>>): string {
  if ((env.DSX_HOME ?? '').trim() !== '') return path.resolve(env.DSX_HOME ?? '');
  const xdg = env.XDG_STATE_HOME ?? '';
  const home = env.HOME !== undefined && path.isAbsolute(env.HOME) ? env.HOME : os.homedir();
  return path.join(path.isAbsolute(xdg) ? xdg : path.join(home, '.local', 'state'), 'dsx-connect');
}

/**
 * Reads one process's variables through its schema. Variables that nobody knows are added to the problems, for `finish`.
 * @throws ConfigError when a value can't be used
 */
export function parseVariables<S extends z.ZodObject>(
  env: NodeJS.ProcessEnv,
  process: ProcessName,
  schema: S,
  problems: ConfigProblem[],
): z.output<S> {
  const read = readEnvironment(env, process);
  problems.push(...read.problems);
  const parsed = schema.safeParse(read.values);
  if (parsed.success) return parsed.data;
  const [first, ...rest] = [
    ...problems,
    ...parsed.error.issues.map((issue): ConfigProblem => {
      const variable = String(issue.path[0]);
      const value = read.values[variable] ?? '';
      // An address may carry a password in front of its @.
      const given = isSecret(variable) || value.includes('@') ? '' : ` (it is ${JSON.stringify(value)})`;
      return { code: 'invalid_variable', variable, text: `${issue.message}${given}` };
    }),
  ];
  throw first === undefined ? parsed.error : new ConfigError([first, ...rest]);
}

/**
 * Builds what every process knows from its parsed variables and the configuration file. Problems are added to the list.
 * @param opens which connectors the process opens itself; by default none
 * @param hears whether sources call the process
 */
export function buildCommon(
  env: NodeJS.ProcessEnv,
  set: CommonVariables,
  problems: ConfigProblem[],
  opens: (connector: ConnectorSettings) => boolean = () => false,
  hears = false,
): CommonConfig {
  const home = set.DSX_HOME ?? stateHome(env);
  const { config, configFile } = readFile(env, set.DSX_CONFIG, home, problems, opens, hears);
  if (set.DSXA_STANDIN_URL !== undefined && set.APP_ENV !== 'dev') {
    const text = `a stand-in scanner is no malware scanner and is refused with APP_ENV=${set.APP_ENV}; unset it and set DSXA_SCANNER_URL`;
    problems.push({ code: 'unsafe', variable: 'DSXA_STANDIN_URL', text });
  }
  const redis = buildRedis(set, problems);
  return {
    appEnv: set.APP_ENV,
    logLevel: set.LOG_LEVEL,
    home,
    ledger: buildLedger(set, home, problems),
    ...(configFile !== undefined && { configFile }),
    ...(redis !== undefined && { redis }),
    temporal: buildTemporal(set, problems),
    scanners: buildScanners(set, config.scanner, configFile, problems),
    connectors: config.connectors,
    definitionSecrets: definitionSecrets(env),
    results: config.results ?? [],
    schedules: config.schedules ?? [],
    allowedAddresses: set.DSXCONNECT_ALLOWED_ADDRESSES,
    remote: buildRemote(set, hears, problems),
  };
}

/** The configuration file: the named one, else the one in the state folder, else the one in the working folder. */
export function configFileOf(named: string | undefined, home: string): string | undefined {
  const usual = [path.join(home, 'dsx-connect.yaml'), path.resolve('dsx-connect.yaml')];
  return named !== undefined && named !== '' ? path.resolve(named) : usual.find((file) => existsSync(file));
}

function readFile(
  env: NodeJS.ProcessEnv,
  named: string | undefined,
  home: string,
  problems: ConfigProblem[],
  opens: (connector: ConnectorSettings) => boolean,
  hears: boolean,
): { config: ConfigFile; configFile: string | undefined } {
  const configFile = configFileOf(named, home);
  if (configFile === undefined) return { config: { connectors: [] }, configFile };
  if (named !== undefined) {
    const problem = unreadable(configFile, { variable: 'DSX_CONFIG' });
    if (problem !== undefined) {
      problems.push(problem);
      return { config: { connectors: [] }, configFile };
    }
  }
  const loaded = loadConfigFile(configFile, env, opens, hears);
  problems.push(...loaded.problems);
  return { config: loaded.config, configFile };
}

/** Freezes the configuration whole. @throws ConfigError with every problem that was found */
export function finish<T extends object>(config: T, problems: readonly ConfigProblem[]): T {
  refuseIfAny(problems);
  return freeze(config);
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part);
  return Object.freeze(value);
}

export type { ConnectorSettings, LedgerSettings, ScannerSettings, TemporalSettings };
