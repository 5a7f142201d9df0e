import { setTimeout as pause } from 'node:timers/promises';
import type { ActionReport } from '../connectors/connector.ts';
import { retryDelayMs } from '../scanner/retry.ts';

/** A storage error of an action is tried so often in all. */
const TRIES = 3;

/** What an action comes to, tried again while the storage only stumbles. */
export async function persistently(act: () => Promise<ActionReport>): Promise<ActionReport> {
  for (let attempt = 1; ; attempt++) {
    const report = await act();
    if (report.code !== 'storage_error' || attempt >= TRIES) return report;
    await pause(retryDelayMs('scanner_transient', attempt, undefined));
  }
}
