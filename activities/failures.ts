import { Context } from '@temporalio/activity';
import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import { CONNECTOR_CODES, ConnectorError } from '../connectors/errors.ts';
import { messageOf } from '../domain/errors.ts';
import { LEDGER_CODES, LedgerError } from '../ledger/errors.ts';
import { SCANNER_CODES, ScannerError } from '../scanner/errors.ts';
import { FAILURE } from './types.ts';
import { WORKER_NAME } from './worker-name.ts';

/**
 * What Temporal is told of an error: `retry` by the activity's own policy, `final` for good, `hold` until somebody has mended
 * the cause. The codes of the rooms below decide. Anything that has no code is a fault of ours: it is retried, and in the end holds the job, which a mended worker goes on with.
 */
export function asFailure(error: unknown, attempt: number): unknown {
  const policy = policyOf(error, attempt);
  if (policy === undefined) return error;
  const message = messageOf(error);
  const cause = error instanceof Error ? error : undefined;
  if (policy.fate === 'hold') {
    return ApplicationFailure.create({
      message,
      type: FAILURE.hold,
      nonRetryable: true,
      details: [{ code: policy.code, detail: message, worker: WORKER_NAME }],
      cause,
    });
  }
  return ApplicationFailure.create({
    message,
    type: policy.code,
    nonRetryable: policy.fate === 'final',
    ...(policy.retryAfterMs !== undefined && { nextRetryDelay: policy.retryAfterMs }),
    cause,
  });
}

/** What was tried so often and is no better will not get better by itself: somebody must look. */
const PATIENCE = 10;

interface Policy {
  readonly code: string;
  readonly fate: 'retry' | 'final' | 'hold';
  readonly retryAfterMs?: number | undefined;
}

function policyOf(error: unknown, attempt: number): Policy | undefined {
  const policy = codedPolicy(error);
  if (attempt < PATIENCE) return policy;
  if (policy === undefined) return isOurs(error) ? undefined : { code: 'internal', fate: 'hold' };
  return policy.fate === 'retry' ? { ...policy, fate: 'hold' } : policy;
}

/** Cancellation and failures made on purpose are Temporal's own. */
function isOurs(error: unknown): boolean {
  return error instanceof TemporalFailure;
}

function codedPolicy(error: unknown): Policy | undefined {
  if (error instanceof ConnectorError) {
    return { code: error.code, fate: CONNECTOR_CODES[error.code], retryAfterMs: error.retryAfterMs };
  }
  if (error instanceof LedgerError) return { code: `ledger_${error.code}`, fate: LEDGER_CODES[error.code] };
  if (error instanceof ScannerError) {
    const fate = SCANNER_CODES[error.code].blame === 'gate' ? 'hold' : 'retry';
    return { code: error.code, fate, retryAfterMs: error.retryAfterMs };
  }
  return undefined;
}

/** The same activities, whose coded errors reach Temporal as failures of the table above. */
export function mapped<Activities extends object>(activities: Activities): Activities {
  const entries = Object.entries(activities).map(([name, run]) => [
    name,
    async (...input: unknown[]) => {
      try {
        return await run(...input);
      } catch (error) {
        throw asFailure(error, Context.current().info.attempt);
      }
    },
  ]);
  return Object.fromEntries(entries) as Activities;
}
