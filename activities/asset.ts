import type { Connector } from '../connectors/connector.ts';
import { ConnectorError } from '../connectors/errors.ts';
import { within } from './deadline.ts';
import type { WorkerDeps } from './deps.ts';
import type { JobContext } from './types.ts';

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
  throw new OtherAsset(
    'unreachable',
    `connector ${connector.id}: another asset lies where the scan began (${found} instead of ${expected}); mount the right one again, or give the connector that asset again`,
  );
}

/** The storage answers, and is not the one that the job began with. */
class OtherAsset extends ConnectorError {}

/** Below the heartbeat timeout: whoever proves may have no beat yet. Milliseconds. */
const PROOF_PATIENCE_MS = 5_000;
/** The assets that each connector was seen to lead to. */
const proven = new WeakMap<Connector, Set<string>>();

/**
 * The connector of a job, which leads to the asset that the job began with: its settings may have been changed since, and names of one asset
 * mean other items in another. Looked at once for each connector; a storage that gives no answer is found out about later, by whoever reads it.
 * @throws ConnectorError `unreachable` where another asset is, and what `deps.connector` raises
 */
export async function connectorOf(
  deps: Pick<WorkerDeps, 'connector'>,
  { source, settings, fingerprint, revision }: Pick<JobContext, 'source' | 'settings' | 'fingerprint' | 'revision'>,
  signal: AbortSignal,
): Promise<Connector> {
  const connector = await deps.connector(source, settings, revision);
  // A share has another device number on each host and after each restart; and one that registered by itself names its items itself.
  if (fingerprint === undefined || connector.kind === 'filesystem' || connector.kind === 'remote') return connector;
  try {
    await prove(connector, fingerprint, signal);
    return connector;
  } catch (error) {
    // It may be this process that does not know yet what was changed a moment ago.
    const anew = await deps.connector(source, settings, 'newest');
    if (anew === connector) throw error;
    await prove(anew, fingerprint, signal);
    return anew;
  }
}

/** @throws OtherAsset */
async function prove(connector: Connector, fingerprint: string, signal: AbortSignal): Promise<void> {
  const known = proven.get(connector) ?? new Set();
  if (known.has(fingerprint)) return;
  try {
    await proveAsset(connector, fingerprint, signal, PROOF_PATIENCE_MS);
    proven.set(connector, known.add(fingerprint));
  } catch (error) {
    if (error instanceof OtherAsset) throw error;
  }
}
