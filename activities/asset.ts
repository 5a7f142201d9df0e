import type { Connector } from '../connectors/connector.ts';
import { ConnectorError } from '../connectors/errors.ts';

/**
 * Proves that the asset is the one that the job began with: a mount that is missing leaves an empty folder in its place, where
 * every item would seem to have vanished.
 * @param expected fingerprint at the job's beginning; undefined proves only that there is an asset
 * @throws ConnectorError `unreachable`, and what the connector raises
 */
export async function proveAsset(
  connector: Connector,
  expected: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const found = await connector.fingerprint(signal);
  if (expected === undefined || found === expected) return;
  throw new ConnectorError(
    'unreachable',
    `connector ${connector.id}: another asset lies where the scan began (${found} instead of ${expected}); mount the right one again`,
  );
}
