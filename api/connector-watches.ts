import { StatusUnavailable } from '../status/errors.ts';
import type { ConnectorResource } from './contract.ts';
import type { ApiDeps } from './deps.ts';

/** The same connectors, each that is watched with the state of its watch, as far as the status can be asked. */
export async function withWatchStates(
  { status }: Pick<ApiDeps, 'status'>,
  connectors: readonly ConnectorResource[],
): Promise<readonly ConnectorResource[]> {
  if (status === undefined) return connectors;
  try {
    return await Promise.all(
      connectors.map(async (connector) => {
        if (connector.watched !== true) return connector;
        const state = (await status.watch(connector.id))?.state;
        return state === undefined ? connector : { ...connector, watchState: state };
      }),
    );
  } catch (error) {
    if (error instanceof StatusUnavailable) return connectors;
    throw error;
  }
}
