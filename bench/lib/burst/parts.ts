import { setTimeout as pause } from 'node:timers/promises';
import type { Part } from '../../../cli/stack/contract.ts';
import { readState } from '../../../cli/stack/state.ts';
import { memoryOf } from '../process.ts';

/** The process of a part that serves now, whichever start of it this is; undefined while none does. */
export function processOf(home: string, part: Part): number | undefined {
  const found = readState(home)?.parts.find((one) => one.part === part);
  return found?.condition === 'up' ? found.process?.pid : undefined;
}

/** Kills a part with SIGKILL; the stack's supervision starts it again. Returns the Unix time. @throws Error when it does not run */
export function killPart(home: string, part: Part): number {
  const pid = processOf(home, part);
  if (pid === undefined) throw new Error(`the ${part} does not run`);
  process.kill(pid, 'SIGKILL');
  return Date.now();
}

/** Waits until a part that was killed serves again under another process. Returns how long that took, in ms. @throws Error after a minute */
export async function untilBack(home: string, part: Part, killed: number, at: number): Promise<number> {
  for (;;) {
    const pid = processOf(home, part);
    if (pid !== undefined && pid !== killed) return Date.now() - at;
    if (Date.now() - at > 60_000) throw new Error(`the ${part} did not come back within a minute`);
    await pause(100);
  }
}

/** Resident memory of a part over its restarts, twice a second. */
export class PartMemory {
  readonly samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(home: string, part: Part) {
    this.#timer = setInterval(() => {
      const pid = processOf(home, part);
      if (pid === undefined) return;
      try {
        const { now } = memoryOf(pid);
        // One that was just killed has none.
        if (!Number.isNaN(now)) this.samples.push(now);
      } catch {
        // It was killed between the two looks.
      }
    }, 500);
  }

  stop(): { readonly first: number; readonly most: number; readonly last: number; readonly count: number } {
    clearInterval(this.#timer);
    const { samples } = this;
    return { first: samples[0] ?? 0, most: Math.max(0, ...samples), last: samples.at(-1) ?? 0, count: samples.length };
  }
}
