import {
  isGrpcServiceError,
  QueryNotRegisteredError,
  QueryRejectedError,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/common';
import { CodecError } from '../codec/errors.ts';
import { messageOf } from '../domain/errors.ts';
import { REFUSAL } from '../workflows/messages.ts';
import { ControlError } from './control.ts';

/** gRPC status codes (a fixed set of the protocol). */
const GRPC = { invalidArgument: 3, deadlineExceeded: 4, notFound: 5 } as const;

/** The control error for what a call of the Temporal client threw. */
export function controlError(what: string, job: string | undefined, error: unknown): ControlError {
  if (error instanceof ControlError) return error;
  const options = { cause: error, ...(job !== undefined && { job }) };
  const sealed = codecCause(error);
  if (sealed !== undefined) return new ControlError('payloads_unreadable', sealed.message, options);
  const grpc = grpcCause(error);
  if (error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError) {
    return refusal(what, options, error);
  }
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || grpc === GRPC.deadlineExceeded) {
    return new ControlError('no_worker', `No worker answered ${what} in time.`, options);
  }
  if (error instanceof WorkflowNotFoundError || grpc === GRPC.notFound) {
    return new ControlError('not_found', `Temporal knows no workflow for ${what}.`, options);
  }
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    return new ControlError('rejected', `${what}: a workflow of this id runs already.`, options);
  }
  if (grpc === GRPC.invalidArgument) {
    const hint = 'A worker registers the search attributes at its start; has one ever been started here?';
    return new ControlError('rejected', `Temporal refused ${what}: ${deepest(error)}. ${hint}`, options);
  }
  if (error instanceof QueryRejectedError || error instanceof QueryNotRegisteredError) {
    return new ControlError('rejected', `${what}: ${messageOf(error)}`, options);
  }
  return new ControlError('temporal_unreachable', `Temporal did not take ${what}: ${deepest(error)}`, options);
}

/** What a workflow refused or failed with, by the type of the failure. */
function refusal(
  what: string,
  options: { cause: unknown; job?: string },
  error: WorkflowUpdateFailedError | WorkflowFailedError,
): ControlError {
  const { cause } = error;
  const message = messageOf(cause ?? error);
  if (cause instanceof ApplicationFailure) {
    if (cause.type === REFUSAL.scanRunning) {
      const detail = cause.details?.[0] as { job?: unknown } | undefined;
      const running = typeof detail?.job === 'string' ? { job: detail.job } : {};
      return new ControlError('scan_running', message, { cause: error, ...running });
    }
    if (cause.type === REFUSAL.idempotencyMismatch) return new ControlError('idempotency_mismatch', message, options);
    if (cause.type === REFUSAL.jobEnded) return new ControlError('job_ended', message, options);
    if (cause.type === REFUSAL.listChanged) return new ControlError('list_changed', message, options);
    if (cause.type === REFUSAL.notWaiting) return new ControlError('not_waiting', message, options);
    if (cause.type === REFUSAL.sweepsOff) return new ControlError('sweeps_off', message, options);
    if (cause.type === REFUSAL.cancelling) return new ControlError('job_cancelling', message, options);
    if (cause.type === REFUSAL.limitsInvalid) return new ControlError('limits_invalid', message, options);
  }
  const code = error instanceof WorkflowFailedError ? 'check_failed' : 'rejected';
  return new ControlError(code, `${what} failed: ${message}`, options);
}

function grpcCause(error: unknown): number | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) if (isGrpcServiceError(at)) return at.code;
  return undefined;
}

function codecCause(error: unknown): CodecError | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) if (at instanceof CodecError) return at;
  return undefined;
}

function deepest(error: unknown): string {
  let at: unknown = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return messageOf(at);
}
