import { Context } from '@temporalio/activity';
import { ConnectorError } from '../connectors/errors.ts';
import type { RemoteConnector } from '../connectors/remote/connector.ts';
import type { WorkerDeps } from './deps.ts';
import type { JobContext } from './types.ts';

/**
 * Asks a remote connector for a full scan. @returns false when nobody knows whether it began
 * @throws ConnectorError when it did not begin
 */
export function createAskRemote(deps: WorkerDeps): (input: JobContext) => Promise<boolean> {
  return async ({ source, settings, job }) => {
    const connector = await deps.connector(source, settings);
    if (connector.kind !== 'remote') {
      throw new ConnectorError('configuration', `connector ${connector.id} is no remote connector`);
    }
    return await (connector as RemoteConnector).askScan(job, Context.current().cancellationSignal);
  };
}
