import type { ConnectorEntry } from '../domain/connector-entry.ts';

/** Of the workflows that change connectors. */
export interface ConnectorActivities {
  readConnector(connector: string): Promise<ConnectorEntry | undefined>;
  keepConnector(entry: ConnectorEntry): Promise<void>;
}
