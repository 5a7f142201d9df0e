import { loadApiConfig } from './api.ts';
import { configFileOf, stateHome } from './common.ts';
import { ConfigError, type ConfigProblem } from './errors.ts';
import { loadWorkerConfig } from './worker.ts';

export interface CheckedConfig {
  /** The configuration file that was read, if any. */
  readonly file?: string;
  readonly connectors: number;
  readonly problems: readonly ConfigProblem[];
  /** What works, but should not stay so. */
  readonly warnings: readonly string[];
}

/** Reads the settings as the API and as a worker would, and tells everything that is wrong, each once. */
export function checkConfig(env: NodeJS.ProcessEnv): CheckedConfig {
  const found = new Map<string, ConfigProblem>();
  const configs = [loadApiConfig, loadWorkerConfig].map((load) => {
    try {
      return load(env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) found.set(JSON.stringify(problem), problem);
      return undefined;
    }
  });
  const file = configFileOf(env.DSX_CONFIG, stateHome(env));
  const [api, worker] = configs;
  const config = worker ?? api;
  const warnings: string[] = [];
  for (const { name, verifyTls } of Object.values(config?.scanners ?? {})) {
    if (!verifyTls)
      warnings.push(
        `the certificate of the scanner ${name} is not verified: its verdicts can be forged (DSXA_VERIFY_TLS=off)`,
      );
  }
  if (api !== undefined && 'loopback' in api && api.loopback === false && api.tls === undefined)
    warnings.push('the API can be reached from other machines without TLS: its key can be read on the way (USE_TLS)');
  if (config !== undefined && Object.keys(config.scanners).length === 0)
    warnings.push('no scanner is named: set DSXA_SCANNER_URL, or `scanner` in dsx-connect.yaml');
  return {
    ...(file !== undefined && { file }),
    connectors: config?.connectors.length ?? 0,
    problems: [...found.values()],
    warnings,
  };
}
