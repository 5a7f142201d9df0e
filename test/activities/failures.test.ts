import { type ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { asFailure } from '../../activities/failures.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { LedgerError } from '../../ledger/errors.ts';
import { ScannerError } from '../../scanner/errors.ts';

const HOLD = { type: 'hold', nonRetryable: true };

describe('what Temporal is told of an error', () => {
  it.each([
    ['a storage that is gone', new ConnectorError('unreachable', 'gone'), 'unreachable'],
    ['credentials that are refused', new ConnectorError('credentials', 'no'), 'credentials'],
    ['a full ledger', new LedgerError('no_space', 'x', 'full'), 'ledger_no_space'],
    ['a scanner that nobody configured', new ScannerError('scanner_config', 'none'), 'scanner_config'],
  ])('%s holds at once, with who found it', (_, error, code) => {
    expect(asFailure(error, 1)).toMatchObject({ ...HOLD, details: [{ code, worker: expect.any(String) }] });
  });

  it.each([
    ['a storage error', new ConnectorError('storage_error', 'EIO'), 'storage_error'],
    ['a ledger that stumbles', new LedgerError('unavailable', 'x', 'EIO'), 'ledger_unavailable'],
  ])('%s is retried, and holds when it has not passed after ten times', (_, error, code) => {
    expect(asFailure(error, 9)).toMatchObject({ type: code, nonRetryable: false });
    expect(asFailure(error, 10)).toMatchObject({ ...HOLD, details: [{ code }] });
  });

  it('a fault of ours is retried, and holds the job too: no glitch ends a job of days', () => {
    const fault = new TypeError('undefined is not a function');
    expect(asFailure(fault, 9)).toBe(fault);
    expect(asFailure(fault, 10)).toMatchObject({ ...HOLD, details: [{ code: 'internal' }] });
  });

  it('what no repetition changes is final, and keeps its code', () => {
    expect(asFailure(new LedgerError('corrupt', 'x', 'bytes'), 1)).toMatchObject({
      type: 'ledger_corrupt',
      nonRetryable: true,
    });
  });

  it('keeps the time that a storage asked for, and leaves Temporal’s own failures alone', () => {
    const throttled = new ConnectorError('throttled', 'slow down', { retryAfterMs: 7_000 });
    expect((asFailure(throttled, 1) as ApplicationFailure).nextRetryDelay).toBe(7_000);
    const cancelled = new CancelledFailure('cancelled');
    expect(asFailure(cancelled, 50)).toBe(cancelled);
  });
});
