import { Context } from '@temporalio/activity';
import { ConnectorError } from '../connectors/errors.ts';
import { messageOf } from '../domain/errors.ts';
import { LedgerError } from '../ledger/errors.ts';
import { proveAsset } from './asset.ts';
import type { WorkerDeps } from './deps.ts';
import type { JobContext, ProbeResult } from './types.ts';

/** Tries, in this order, the ledger, the storage and the scanner, and tells the first that stands in the way. Never throws. */
export function createProbe(deps: WorkerDeps): (input: JobContext) => Promise<ProbeResult> {
  return async (input) => {
    const signal = Context.current().cancellationSignal;
    try {
      await deps.ledger.probe();
      await proveAsset(await deps.connector(input.source, input.settings), input.fingerprint, signal);
      if (input.scans === false) return { ok: true };
      const report = await deps.scanner(input.settings.scanner).probe(signal);
      if (report.ok) return { ok: true };
      return { ok: false, code: report.code ?? 'scanner_unreachable', detail: report.detail };
    } catch (error) {
      return { ok: false, code: codeOf(error), detail: messageOf(error) };
    }
  };
}

function codeOf(error: unknown): string {
  if (error instanceof LedgerError) return `ledger_${error.code}`;
  return error instanceof ConnectorError ? error.code : 'internal';
}
