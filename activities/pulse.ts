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
