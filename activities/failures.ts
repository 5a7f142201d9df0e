import { ApplicationFailure } from '@temporalio/common';
import { CONNECTOR_CODES, ConnectorError } from '../connectors/errors.ts';
import { messageOf } from '../domain/errors.ts';
import { LEDGER_CODES, LedgerError } from '../ledger/errors.ts';
import { SCANNER_CODES, ScannerError } from '../scanner/errors.ts';
import { FAILURE } from './types.ts';

/**
 * What Temporal is told of an error: `retry` by the activity's own policy, `final` for good, `hold` until somebody has mended
 * the cause. The codes of the rooms below decide; anything that has no code is a fault of ours and is retried.
 */
export function asFailure(error: unknown): unknown {
  const policy = policyOf(error);
  if (policy === undefined) return error;
  const message = messageOf(error);
  const cause = error instanceof Error ? error : undefined;
  if (policy.fate === 'hold') {
    return ApplicationFailure.create({
      message,
      type: FAILURE.hold,
      nonRetryable: true,
      details: [{ code: policy.code, detail: message }],
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

interface Policy {
  readonly code: string;
  readonly fate: 'retry' | 'final' | 'hold';
  readonly retryAfterMs?: number | undefined;
}

function policyOf(error: unknown): Policy | undefined {
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
        throw asFailure(error);
      }
    },
  ]);
  return Object.fromEntries(entries) as Activities;
}
