import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { type AllPushed, fullScanWorkflowId, PUSHED } from '../../workflows/messages.ts';

/** What is told to the scan of a remote connector. */
export interface RemoteCalls {
  /** All is pushed. Nothing happens where no scan of this connector runs. Deadline 3 s. */
  allPushed(uuid: string, said: AllPushed): Promise<void>;
  /** The connector began anew: what its former process had not pushed never comes. Likewise. */
  restarted(uuid: string): Promise<void>;
}

type Asking = <T>(what: string, job: string | undefined, ms: number, call: () => Promise<T>) => Promise<T>;

export function createRemoteCalls(client: Client, asking: Asking, deadlines: { readonly query: number }): RemoteCalls {
  const tell = (uuid: string, signal: string, args: [] | [AllPushed]): Promise<void> =>
    asking(`the scan of ${uuid}`, undefined, deadlines.query, async () => {
      try {
        const handle = client.workflow.getHandle(fullScanWorkflowId({ kind: 'connector', id: uuid }));
        await handle.signal(signal, ...args);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    });
  return {
    allPushed: (uuid, said) => tell(uuid, PUSHED.all, [said]),
    restarted: (uuid) => tell(uuid, PUSHED.restarted, []),
  };
}
