import type { ConnectorResource } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { findConnector } from '../start-request.ts';

/** Every connector that clients of the former product are told of. */
export async function knownConnectors(deps: ApiDeps): Promise<readonly ConnectorResource[]> {
  return deps.settings.connectors;
}

/** The connector that such a client names. @throws ApiProblem `connector_not_found` */
export async function named(deps: ApiDeps, uuid: string): Promise<ConnectorResource> {
  return findConnector(deps, uuid);
}
