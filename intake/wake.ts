import type { WakeReason } from '../workflows/messages.ts';

/** What wakes the watch of a connector: its source says that something changed, not what. */
export interface Wake {
  /** Resolves when the watch will look, now or later. @throws IntakeError `unavailable` when that can't be promised */
  wake(connector: string, reason: WakeReason): Promise<void>;
}
