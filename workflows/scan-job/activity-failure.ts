import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { type Checkpoint, FAILURE } from '../../activities/types.ts';

/** What a failed activity says of itself. */
export interface Failure {
  readonly code: string;
  readonly detail: string;
  /** Nothing goes on until somebody mends it. */
  readonly hold: boolean;
  /** Who found it so. */
  readonly worker?: string;
}

export function failureOf(error: unknown): Failure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure)) {
    return { code: 'internal', detail: cause instanceof Error ? cause.message : String(cause), hold: false };
  }
  if (cause.type !== FAILURE.hold) return { code: cause.type ?? 'internal', detail: cause.message, hold: false };
  const told = cause.details?.[0] as { code: string; detail: string; worker?: string } | undefined;
  return { code: FAILURE.hold, detail: cause.message, ...told, hold: true };
}

export function isTimeout(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
}

/** A page that timed out after a cancel request left its checkpoint in its last heartbeat. */
export function lastCheckpoint(error: unknown, known: Checkpoint | undefined): { checkpoint?: Checkpoint } {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const beaten = cause instanceof TimeoutFailure ? (cause.lastHeartbeatDetails as Checkpoint | undefined) : undefined;
  const checkpoint = beaten ?? known;
  return checkpoint === undefined ? {} : { checkpoint };
}
