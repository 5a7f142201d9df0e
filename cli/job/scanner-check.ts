import { setTimeout as pause } from 'node:timers/promises';
import { type ApiClient, ApiError } from '../../api/client.ts';
import type { ScannerCode } from '../../scanner/errors.ts';
import { CliError } from '../errors.ts';
import { visible } from '../render/names.ts';

/** What waiting does not mend: the settings are wrong. */
const WRONG_SETTINGS: ReadonlySet<string> = new Set<ScannerCode>(['scanner_auth', 'scanner_config']);
/** Milliseconds that a scan waits for the answer: the scan itself waits for a scanner that is slow or down. */
const PATIENCE_MS = 1_500;

/**
 * Asks the scanner before a scan is started, so that wrong settings are said at once instead of holding the scan.
 * @throws CliError (usage) when the scanner refuses our token, or is not one that may judge
 */
export async function checkScanner(
  client: Pick<ApiClient, 'testScanner'>,
  scanner: string,
  say: (line: string) => void,
): Promise<void> {
  const late = new AbortController();
  const asked = client.testScanner(scanner).catch((error: unknown) => {
    // An API that can't tell is no reason: starting the scan says what is wrong with it.
    if (error instanceof ApiError) return undefined;
    throw error;
  });
  const answer = await Promise.race([asked, pause(PATIENCE_MS, undefined, { signal: late.signal })]);
  late.abort();
  if (answer === undefined || answer.ok) return;
  const detail = visible(answer.detail);
  if (answer.code !== undefined && WRONG_SETTINGS.has(answer.code)) {
    throw new CliError('usage', answer.code, `${detail} Nothing was scanned`);
  }
  say(`the scanner is not ready, and the scan waits for it: ${detail}`);
}
