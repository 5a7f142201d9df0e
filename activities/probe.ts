import { Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { ConnectorError } from '../connectors/errors.ts';
import { messageOf } from '../domain/errors.ts';
import { LedgerError } from '../ledger/errors.ts';
import { ScannerError } from '../scanner/errors.ts';
import { proveAsset } from './asset.ts';
import { within } from './deadline.ts';
import type { WorkerDeps } from './deps.ts';
import { withPulse } from './pulse.ts';
import type { JobContext, ProbeResult } from './types.ts';
import { WORKER_NAME } from './worker-name.ts';

/** A ledger that takes longer over a small object is not there. Milliseconds. */
const LEDGER_PATIENCE_MS = 20_000;

/** A probe that fails is offered to the other workers so often, so soon, unless it took as long as `SLOW_MS` itself. Milliseconds. */
const OFFERS = 4;
const NEXT_OFFER_MS = 300;
const SLOW_MS = 5_000;

/**
 * Tries, in this order, the ledger, the storage and the scanner, and tells the first that stands in the way. Each has a
 * deadline of its own, so that silence is an answer too.
 *
 * Since a worker may be the only one that is cut off, one that finds a door closed hands the question on at first: it fails with
 * `elsewhere`, and Temporal asks again. After a few times the answer stands.
 * @throws ApplicationFailure `elsewhere`
 */
export function createProbe(deps: WorkerDeps): (input: JobContext) => Promise<ProbeResult> {
  return (input) =>
    withPulse(async () => {
      const began = performance.now();
      const found = await probe(deps, input);
      const { attempt } = Context.current().info;
      if (found.ok || attempt >= OFFERS || performance.now() - began > SLOW_MS) return found;
      throw ApplicationFailure.create({
        message: `${WORKER_NAME}: ${found.code}: ${found.detail}`,
        type: 'elsewhere',
        nextRetryDelay: NEXT_OFFER_MS,
        category: ApplicationFailureCategory.BENIGN,
      });
    });
}

async function probe(deps: WorkerDeps, input: JobContext): Promise<ProbeResult> {
  const signal = Context.current().cancellationSignal;
  try {
    await within(LEDGER_PATIENCE_MS, deps.ledger.probe(), () => silentLedger(deps.ledger.place));
    const connector = await deps.connector(input.source, input.settings, 'newest');
    await proveAsset(connector, input.fingerprint, signal, deps.patienceMs);
    if (input.scans === false) return { ok: true, worker: WORKER_NAME };
    const report = await deps.scanner(input.settings.scanner).probe(signal);
    if (report.ok) return { ok: true, worker: WORKER_NAME };
    return { ok: false, code: report.code ?? 'scanner_unreachable', detail: report.detail, worker: WORKER_NAME };
  } catch (error) {
    return { ok: false, code: codeOf(error), detail: messageOf(error), worker: WORKER_NAME };
  }
}

function silentLedger(place: string): LedgerError {
  const seconds = LEDGER_PATIENCE_MS / 1000;
  return new LedgerError('unavailable', place, `The ledger at ${place} gave no answer within ${seconds} s.`);
}

function codeOf(error: unknown): string {
  if (error instanceof LedgerError) return `ledger_${error.code}`;
  return error instanceof ConnectorError || error instanceof ScannerError ? error.code : 'internal';
}
