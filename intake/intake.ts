import { CodedError } from '../domain/errors.ts';
import type { StorageEvent } from '../domain/event.ts';
import type { IntakeRef } from '../domain/intake.ts';

/** `over_capacity`: more waits than may; `unavailable`: the ledger or Temporal can't be reached. Both mend themselves. */
export const INTAKE_CODES = ['over_capacity', 'unavailable'] as const;
export type IntakeCode = (typeof INTAKE_CODES)[number];

/** Events were not taken: nothing may be acknowledged to their source. */
export class IntakeError extends CodedError<IntakeCode> {
  /** When to try again, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(code: IntakeCode, message: string, retryAfterMs: number, options: { cause?: unknown } = {}) {
    super(code, message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** @param line 0-based line of the intake page */
export type Placed = (at: number, ref: IntakeRef, line: number) => void;

/** What takes events on their way to the on-access scan of their connector: webhooks of the API, pull sources of workers. */
export interface Intake {
  /**
   * Resolves when all of them are written down and handed to their workflow: only then may they be acknowledged, or a cursor be
   * moved past them. Events of several calls share pages. Repeats are harmless.
   * @param connector id of a configured connector
   * @param placed is told where each event was written down, by its place in `events`
   * @throws IntakeError
   */
  add(connector: string, events: readonly StorageEvent[], placed?: Placed): Promise<void>;
  /** Waits for what is being handed over; then everything is refused. */
  close(): Promise<void>;
}
