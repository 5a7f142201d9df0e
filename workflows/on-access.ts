import type { OnAccessStart } from './messages.ts';
import { OnAccessRun, type OnAccessState } from './on-access/on-access-run.ts';

/** Scans what the events of a source tell of, as long as any come. One at a time per source and shard: the workflow id is theirs. */
export async function onAccess(start: OnAccessStart, carried?: OnAccessState): Promise<void> {
  await new OnAccessRun(start, carried).run();
}
