import type {
  ConnectorDeleted,
  ConnectorDetail,
  CreateConnectorBody,
  ReplaceConnectorBody,
} from './storage-contract.ts';

/** The connectors that are made through the API, for `ApiClient`. */
export interface ConnectorClient {
  createConnector(body: CreateConnectorBody): Promise<ConnectorDetail>;
  /** Puts a whole definition in the place of the revision that it names. */
  replaceConnector(id: string, body: ReplaceConnectorBody): Promise<ConnectorDetail>;
  /** `connector_in_use` (409): a scan of it runs, or a schedule names it. */
  deleteConnector(id: string): Promise<ConnectorDeleted>;
}

/** @param call method, path below the prefix, and JSON body */
export function createConnectorClient(
  call: <T>(method: string, path: string, body?: unknown) => Promise<T>,
): ConnectorClient {
  const path = (id: string): string => `/connectors/${encodeURIComponent(id)}`;
  return {
    createConnector: (body) => call('POST', '/connectors', body),
    replaceConnector: (id, body) => call('PUT', path(id), body),
    deleteConnector: (id) => call('DELETE', path(id)),
  };
}
