import type { Connector } from '../../connectors/connector.ts';
import type { Scanner } from '../../scanner/scanner.ts';
import { proveAsset } from '../asset.ts';
import type { Blocked } from './scan-item.ts';

/** A page keeps its slot so long in front of a closed door before it is handed back. Milliseconds. */
export const DOOR_PATIENCE_MS = 30_000;
/** How often a storage that refuses us is asked again. Milliseconds. */
const STORAGE_POLL_MS = 2_000;

/**
 * Waits until whatever blocked a page is open again.
 * @returns true when it opened, false when patience ran out or the signal fired
 */
export async function waitAtDoor(
  blocked: Blocked,
  scanner: Scanner,
  connector: Connector,
  fingerprint: string | undefined,
  signal: AbortSignal,
  patienceMs = DOOR_PATIENCE_MS,
): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  try {
    if (blocked.by === 'scanner') await scanner.untilOpen(limit);
    else await untilReachable(connector, fingerprint, limit);
    return true;
  } catch {
    return false;
  }
}

async function untilReachable(
  connector: Connector,
  fingerprint: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      await proveAsset(connector, fingerprint, signal);
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, STORAGE_POLL_MS));
    }
  }
}
