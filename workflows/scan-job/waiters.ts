import { getExternalWorkflowHandle } from '@temporalio/workflow';
import { type ScanEnded, SIGNAL } from '../messages.ts';
import type { ScanJobState } from './state.ts';

/** More are not kept: whoever is not told looks for itself. */
const MOST = 100;

export function addWaiter(state: ScanJobState, waiter: string | undefined): void {
  const waiters = state.waiters ?? [];
  if (waiter === undefined || waiters.includes(waiter) || waiters.length >= MOST) return;
  state.waiters = [...waiters, waiter];
}

/** Tells all that wait. One that is gone needs nothing. */
export async function tellWaiters({ waiters = [] }: ScanJobState, ended: ScanEnded): Promise<void> {
  await Promise.all(
    waiters.map((waiter) =>
      getExternalWorkflowHandle(waiter)
        .signal(SIGNAL.ended, ended)
        .catch(() => undefined),
    ),
  );
}
