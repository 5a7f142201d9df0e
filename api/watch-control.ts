import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { WatchHealth } from '../domain/watch.ts';
import { WATCH, watchWorkflowId } from '../workflows/messages.ts';
import type { Asking } from './gate-control.ts';

/** What the API asks of the workflows that watch connectors. Every method throws ControlError and keeps the deadline it names. */
export interface WatchCalls {
  /** Undefined when the connector is not watched. Deadline 3 s. */
  watch(connector: string): Promise<WatchHealth | undefined>;
  /** Deadline 10 s. ControlError `not_found` when it is not watched. */
  steerWatch(
    verb: 'pause' | 'resume' | 'sweep',
    connector: string,
    control: { readonly actor: string; readonly reason?: string },
  ): Promise<WatchHealth>;
}

export function createWatchCalls(
  client: Client,
  asking: Asking,
  deadlines: { readonly steer: number; readonly query: number },
): WatchCalls {
  const handle = (connector: string) => client.workflow.getHandle(watchWorkflowId(connector));
  return {
    watch: (connector) =>
      asking(`the watch of ${connector}`, undefined, deadlines.query, async () => {
        try {
          const described = await handle(connector).describe();
          if (described.status.name !== 'RUNNING') return undefined;
          return await handle(connector).query<WatchHealth>(WATCH.health);
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return undefined;
          throw error;
        }
      }),
    steerWatch: (verb, connector, control) =>
      asking(`the watch of ${connector}`, undefined, deadlines.steer, () =>
        handle(connector).executeUpdate<WatchHealth, [typeof control]>(WATCH[verb], { args: [control] }),
      ),
  };
}
