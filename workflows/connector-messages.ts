/** The change of a connector that was made through the API: an update with a `ConnectorChange`, answered with a `ChangedConnector`. */
export const CONNECTOR = { change: 'changeConnector' } as const;

/** One at a time for each connector: who changes it waits for whoever did before. */
export function connectorWorkflowId(connector: string): string {
  return `connector:${connector}`;
}
