import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { Beat, TICK_MS } from './beat.ts';

/** What work may ask of its pulse. */
export interface Pulse {
  /**
   * Call before every step that changes something.
   * @throws CancelledFailure when the work is cancelled, or, after this process stood still, when it is another attempt's by now
   */
  mayGoOn(): Promise<void>;
}

/** Runs work that has no checkpoint of its own with a beat a second, so that Temporal notices when its worker is gone. */
export async function withPulse<T>(work: (pulse: Pulse) => Promise<T>): Promise<T> {
  const beat = new Beat<null>(null);
  const { cancellationSignal } = Context.current();
  const timer = setInterval(() => {
    // A process that stood still keeps saying so until it has asked.
    if (!beat.frozen) beat.tick();
    beat.send();
  }, TICK_MS);
  // At first too: the task may have waited in a process that stood still.
  let asked = false;
  const mayGoOn = async () => {
    if (cancellationSignal.aborted) throw new CancelledFailure('cancelled');
    if (asked && !beat.frozen) return;
    asked = true;
    for (let whose = await beat.ask(); whose !== 'ours'; whose = await beat.ask()) {
      if (whose !== 'unknown') throw new CancelledFailure('this work is another attempt’s by now');
      await pause(TICK_MS);
      if (cancellationSignal.aborted) throw new CancelledFailure('cancelled');
    }
    beat.tick();
  };
  try {
    return await work({ mayGoOn });
  } finally {
    clearInterval(timer);
  }
}

/** The same activities, each with a pulse: one whose worker is gone is taken over after its heartbeat timeout, not its whole time. */
export function pulsed<Activities extends object>(activities: Activities): Activities {
  const entries = Object.entries(activities).map(([name, run]) => [
    name,
    (...input: unknown[]) => withPulse(() => run(...input) as Promise<unknown>),
  ]);
  return Object.fromEntries(entries) as Activities;
}
