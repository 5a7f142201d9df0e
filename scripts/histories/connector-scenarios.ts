import { createConnectorCalls } from '../../api/connector-control.ts';
import { connectorWorkflowId } from '../../workflows/messages.ts';
import type { Recorded, Stage } from './stage.ts';

/** Three changes at once: one makes it, the others find it there. */
export async function changed({ plant: { client } }: Stage): Promise<Recorded> {
  const id = 'changed';
  const calls = createConnectorCalls(client, (_, __, ___, call) => call(), { steer: 10_000, query: 3_000 });
  const definition = { id, kind: 'filesystem', asset: '/srv/share' };
  const create = { kind: 'create', id, actor: 'ann', definition, local: true } as const;
  await Promise.all([1, 2, 3].map(() => calls.changeConnector(create)));
  const workflow = client.workflow.getHandle(connectorWorkflowId(id));
  await workflow.result();
  const { runId } = await workflow.describe();
  return { workflowId: workflow.workflowId, runId };
}
