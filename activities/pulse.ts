import { Beat } from './beat.ts';

const PULSE_MS = 1_000;

/** Runs work that has no checkpoint of its own with a beat a second, so that Temporal notices when its worker is gone. */
export async function withPulse<T>(work: () => Promise<T>): Promise<T> {
  const beat = new Beat<null>(null);
  const timer = setInterval(() => beat.send(), PULSE_MS);
  try {
    return await work();
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
