import type { StartRequest } from './messages.ts';
import { RemoteRun, type RemoteScanState } from './remote-scan/remote-run.ts';
import type { JobResult } from './scan-job/state.ts';

/** Scans everything that a remote connector lists and pushes. One at a time per connector: the workflow id is the source's. */
export async function remoteScan(request: StartRequest, carried?: RemoteScanState): Promise<JobResult> {
  return await new RemoteRun(request, carried).run();
}
