import { CliError } from '../errors.ts';
import { visible } from '../render/names.ts';

export const STAND_IN = 'standin';
export const DEFAULT_SCANNER = 'dsxa';

export interface ScannerChoice {
  /** `--scanner`. */
  readonly asked: string | undefined;
  /** `APP_ENV`. */
  readonly appEnv: 'dev' | 'stag' | 'prod';
  /** Names of the scanners that the environment and the configuration file name. */
  readonly configured: readonly string[];
  /** Names of the scanners that the running stack can use; undefined when none is up. */
  readonly running: readonly string[] | undefined;
}

/**
 * The scanner that is to judge: nobody's data is judged by a scanner that was not named.
 * @throws CliError (usage) `no_scanner`, `standin_refused`, `unknown_scanner`, `scanner_not_in_stack`
 */
export function chooseScanner(choice: ScannerChoice): string {
  const { asked, appEnv, configured, running } = choice;
  const real = [...configured, ...(running ?? [])].filter((name) => name !== STAND_IN);
  const name = asked ?? (real.includes(DEFAULT_SCANNER) ? DEFAULT_SCANNER : real[0]);
  if (name === undefined) throw new CliError('usage', 'no_scanner', NONE_NAMED);
  if (name === STAND_IN && appEnv !== 'dev') {
    throw new CliError(
      'usage',
      'standin_refused',
      `APP_ENV is ${appEnv}: a stand-in scanner proves nothing and judges nothing there. Set DSXA_SCANNER_URL`,
    );
  }
  if (name !== STAND_IN && !real.includes(name)) {
    const known = [...new Set([...real, STAND_IN])].map(visible).join(', ');
    throw new CliError('usage', 'unknown_scanner', `there is no scanner ${visible(name)}; known here: ${known}`);
  }
  if (name === STAND_IN && running?.includes(STAND_IN) === false) {
    throw new CliError(
      'usage',
      'scanner_not_in_stack',
      'the running stack was started without a stand-in. Stop it with: dsx down; then scan again, or start one that has it',
    );
  }
  return name;
}

const NONE_NAMED =
  'no scanner is named, and nothing is judged by one that was not. Set DSXA_SCANNER_URL (in the environment or .env), ' +
  'or name a scanner in the configuration file (dsx-connect.yaml), or try it with --scanner standin, which proves nothing';
