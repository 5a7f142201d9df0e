import type { ConnectorEntry } from '../domain/connector-entry.ts';
import type { OrchestratorDeps } from './deps.ts';

/** The state of a connector that counts; undefined for one that was never made through the API. @throws LedgerError */
export function createReadConnector({
  ledger,
}: OrchestratorDeps): (connector: string) => Promise<ConnectorEntry | undefined> {
  return (connector) => ledger.connectors.newest(connector);
}

/** Writes the next state. @throws LedgerError */
export function createKeepConnector({ ledger }: OrchestratorDeps): (entry: ConnectorEntry) => Promise<void> {
  return (entry) => ledger.connectors.append(entry);
}
