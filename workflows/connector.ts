import { condition, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import type { ConnectorActivities } from '../activities/types.ts';
import { type ChangedConnector, type ConnectorChange, changedConnector } from '../domain/connector-entry.ts';
import { CONNECTOR } from './connector-messages.ts';

const changeUpdate = defineUpdate<ChangedConnector, [ConnectorChange]>(CONNECTOR.change);

/**
 * Carries out the changes of one connector, one after the other, and ends when there is none left: what it is lies in the ledger.
 */
export async function connector(): Promise<void> {
  const { readConnector, keepConnector } = proxyActivities<ConnectorActivities>({
    startToCloseTimeout: '1m',
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 1 },
  });
  let asked = 0;
  let done = 0;
  setHandler(changeUpdate, async (change) => {
    const turn = asked++;
    await condition(() => done === turn);
    try {
      const before = await readConnector(change.id);
      const changed = changedConnector(before, change, Date.now());
      if ('entry' in changed) await keepConnector(changed.entry);
      return changed;
    } finally {
      done += 1;
    }
  });
  await condition(() => asked > 0 && done === asked);
}
