import { DeliveryError } from '../intake/delivery.ts';
import { IntakeError } from '../intake/intake.ts';
import { LedgerError } from '../ledger/errors.ts';
import { SCANNER_CODES, ScannerError } from '../scanner/errors.ts';
import { ScheduleError } from '../schedules/errors.ts';
import { StatusUnavailable } from '../status/errors.ts';
import { type ControlCode, ControlError } from './control.ts';
import { deliveryProblem, intakeProblem } from './delivery-problem.ts';
import { ApiProblem, type ProblemCode } from './problems.ts';

const OF_CONTROL: Readonly<Record<ControlCode, ProblemCode>> = {
  temporal_unreachable: 'temporal_unreachable',
  payloads_unreadable: 'payloads_unreadable',
  no_worker: 'no_worker',
  scan_running: 'scan_running',
  job_ended: 'job_ended',
  job_cancelling: 'job_cancelling',
  limits_invalid: 'request_invalid',
  idempotency_mismatch: 'idempotency_mismatch',
  list_changed: 'list_changed',
  not_waiting: 'not_waiting',
  sweeps_off: 'sweeps_off',
  not_found: 'job_not_found',
  check_failed: 'check_failed',
  rejected: 'workflow_failed',
};

/** The problem that whatever was thrown comes to. What nobody foresaw is `internal`, and its text stays in the log. */
export function problemOf(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error instanceof ControlError) {
    const extra = error.job === undefined ? {} : { job: error.job };
    return new ApiProblem(OF_CONTROL[error.code], error.message, { cause: error, extra });
  }
  if (error instanceof ScheduleError) return new ApiProblem(error.code, error.message, { cause: error });
  if (error instanceof ScannerError) {
    const { blame } = SCANNER_CODES[error.code];
    const busy = blame === 'gate' || error.code === 'scanner_busy';
    const extra = {
      reason: error.code,
      ...(error.retryAfterMs !== undefined && { retryAfterSeconds: Math.ceil(error.retryAfterMs / 1000) }),
    };
    return new ApiProblem(busy ? 'scanner_unavailable' : 'scanner_failed', error.message, { cause: error, extra });
  }
  if (error instanceof DeliveryError) return deliveryProblem(error);
  if (error instanceof IntakeError) return intakeProblem(error);
  if (error instanceof LedgerError) return ledgerProblem(error);
  if (error instanceof StatusUnavailable) {
    return new ApiProblem('status_unavailable', error.message, { cause: error, extra: { reason: error.code } });
  }
  const status = statusOf(error);
  if (status === 400)
    return new ApiProblem('bad_request', 'The path or the query is not correctly encoded.', { cause: error });
  return new ApiProblem('internal', 'An internal error; the log of the API says more.', { cause: error });
}

/** `not_found` and `invalid` never come here as such: routes turn them into what was asked for. */
function ledgerProblem(error: LedgerError): ApiProblem {
  const extra = { reason: error.code };
  if (error.code === 'no_space') return new ApiProblem('ledger_full', error.message, { cause: error, extra });
  if (error.code === 'invalid') return new ApiProblem('request_invalid', error.message, { cause: error });
  return new ApiProblem('ledger_unavailable', error.message, { cause: error, extra });
}

/** The status that the router gives to an error of the request itself (a path that does not decode). */
function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  return typeof error.status === 'number' ? error.status : undefined;
}
