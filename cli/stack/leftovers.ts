import { endProcess, isAlive } from './process-id.ts';
import { readState, removeState, type StackState } from './state.ts';

const GRACE_MS = 10_000;

/** The state of a stack whose supervisor is alive, or undefined. */
export function livingState(home: string): StackState | undefined {
  const state = readState(home);
  return state !== undefined && isAlive(state.supervisor) ? state : undefined;
}

/**
 * Ends what a supervisor that was killed left behind, and forgets it. Says what it ended. Does nothing while the
 * supervisor is alive.
 */
export async function clearLeftovers(home: string, say: (line: string) => void): Promise<void> {
  const state = readState(home);
  if (state === undefined || isAlive(state.supervisor)) return;
  await Promise.all(
    state.parts.map(async ({ name, process }) => {
      if (process === undefined || !isAlive(process)) return;
      say(`ending ${name} (process ${process.pid}), left behind by a supervisor that was killed`);
      await endProcess(process, GRACE_MS);
    }),
  );
  removeState(home);
}
