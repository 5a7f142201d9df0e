import type { ConnectorResource } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { findConnector, meetConnector } from '../start-request.ts';

/** Every connector that clients of the former product are told of. */
export async function knownConnectors(deps: ApiDeps): Promise<readonly ConnectorResource[]> {
  return [...deps.settings.connectors, ...((await deps.remote?.remotes.list()) ?? [])];
}

/** The connector that such a client names. @throws ApiProblem `connector_not_found` */
export async function named(deps: ApiDeps, uuid: string): Promise<ConnectorResource> {
  await meetConnector(deps, uuid);
  return findConnector(deps, uuid);
}
