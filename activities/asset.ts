import type { Connector } from '../connectors/connector.ts';
import { ConnectorError } from '../connectors/errors.ts';
import { within } from './deadline.ts';

/** A storage that takes longer to say whether it is there is not there, however patient a worker is. Milliseconds. */
const STORAGE_PATIENCE_MS = 20_000;

/** How long a storage is waited for, given how long it may be gone before scans are held for it. */
export function storagePatience(patienceMs: number): number {
  return Math.min(STORAGE_PATIENCE_MS, patienceMs);
}

/** The error of a storage that gave no answer. */
export function silent(connector: string, doing: string, ms: number): ConnectorError {
  const seconds = Math.round(ms / 1000);
  return new ConnectorError('unreachable', `connector ${connector}: no answer within ${seconds} s while ${doing}`);
}

/**
 * Proves that the asset is the one that the job began with: a mount that is missing leaves an empty folder in its place, where
 * every item would seem to have vanished.
 * @param expected fingerprint at the job's beginning; undefined proves only that there is an asset
 * @throws ConnectorError `unreachable`, also when the storage does not answer, and what the connector raises
 */
export async function proveAsset(
  connector: Connector,
  expected: string | undefined,
  signal: AbortSignal,
  mayBeGoneMs = STORAGE_PATIENCE_MS,
): Promise<void> {
  const patienceMs = storagePatience(mayBeGoneMs);
  const found = await within(patienceMs, connector.fingerprint(signal), () =>
    silent(connector.id, 'looking for the asset', patienceMs),
  );
  if (expected === undefined || found === expected) return;
  throw new ConnectorError(
    'unreachable',
    `connector ${connector.id}: another asset lies where the scan began (${found} instead of ${expected}); mount the right one again`,
  );
}
