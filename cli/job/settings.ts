import type { ConnectorSettings } from '../../config/connectors/settings.ts';
import { ConfigError } from '../../config/errors.ts';
import { loadWorkerConfig } from '../../config/worker.ts';
import { CliError } from '../errors.ts';

/** The settings that decide whether and with what a scan may judge. */
export interface Settings {
  readonly appEnv: 'dev' | 'stag' | 'prod';
  readonly scanners: Readonly<Record<string, unknown>>;
  readonly connectors: readonly ConnectorSettings[];
}

/**
 * Reads the environment and the configuration file as a worker of this stack would, so that what is wrong is said before
 * anything is started.
 * @throws CliError (usage) naming every variable, field and line that is wrong
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>, home: string): Settings {
  try {
    return loadWorkerConfig({ ...env, DSX_HOME: home } as NodeJS.ProcessEnv);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CliError('usage', error.code, error.message, { cause: error });
  }
}
