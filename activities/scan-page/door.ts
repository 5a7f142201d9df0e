import type { Connector } from '../../connectors/connector.ts';
import type { Scanner } from '../../scanner/scanner.ts';
import { proveAsset } from '../asset.ts';
import type { Blocked } from './scan-item.ts';

/** A door that was closed long before a page came to it is waited at for only so long: another worker may have none. Milliseconds. */
const SHORT_PATIENCE_MS = 2_000;
/** How often a storage that refuses us is asked again. Milliseconds. */
const STORAGE_POLL_MS = 2_000;

/** Since when the storage of each connector refuses this process, by the clock of `performance`. */
const refusedSince = new Map<string, number>();

/** What is left of the patience with a door that may have been closed for a while. */
function patienceLeft(blocked: Blocked, scanner: Scanner, connector: Connector, patienceMs: number): number {
  const now = performance.now();
  if (blocked.by === 'storage') {
    const since = refusedSince.get(connector.id) ?? now;
    refusedSince.set(connector.id, since);
    return Math.max(SHORT_PATIENCE_MS, patienceMs - (now - since));
  }
  const { gate } = scanner.state();
  const closedMs = gate === undefined ? 0 : Date.now() - Date.parse(gate.since);
  return Math.max(SHORT_PATIENCE_MS, patienceMs - closedMs);
}

/**
 * Waits until whatever blocked a page is open again.
 * @param patienceMs counts from the moment that the door was closed
 * @returns true when it opened, false when patience ran out or the signal fired
 */
export async function waitAtDoor(
  blocked: Blocked,
  scanner: Scanner,
  connector: Connector,
  fingerprint: string | undefined,
  signal: AbortSignal,
  patienceMs: number,
): Promise<boolean> {
  const left = patienceLeft(blocked, scanner, connector, patienceMs);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(left)]);
  try {
    if (blocked.by === 'scanner') await scanner.untilOpen(limit);
    else await untilReachable(connector, fingerprint, limit, patienceMs);
    return true;
  } catch {
    return false;
  }
}

async function untilReachable(
  connector: Connector,
  fingerprint: string | undefined,
  signal: AbortSignal,
  patienceMs: number,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      await proveAsset(connector, fingerprint, signal, patienceMs);
      refusedSince.delete(connector.id);
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, STORAGE_POLL_MS));
    }
  }
}
