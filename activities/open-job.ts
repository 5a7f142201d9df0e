import { Context } from '@temporalio/activity';
import { ConnectorError } from '../connectors/errors.ts';
import type { Source } from '../domain/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { proveAsset, silent, storagePatience } from './asset.ts';
import { within } from './deadline.ts';
import type { WorkerDeps } from './deps.ts';
import { withPulse } from './pulse.ts';
import type { JobContext, OpenedJob } from './types.ts';

/** So many of the newest jobs are looked through for the last scan of the same source. */
const LOOK_BACK = 500;

/**
 * Looks before a job lists anything: the storage is there, can be read and can carry out the action, and the scanner is
 * known here.
 * @throws ConnectorError, ScannerError (`scanner_config`), LedgerError
 */
export function createOpenJob(deps: WorkerDeps): (input: JobContext) => Promise<OpenedJob> {
  return (input) => withPulse(() => open(deps, input));
}

async function open(deps: WorkerDeps, input: JobContext): Promise<OpenedJob> {
  const signal = Context.current().cancellationSignal;
  if (input.scans !== false) deps.scanner(input.settings.scanner);
  const connector = await deps.connector(input.source, input.settings);
  const { action, dryRun } = input.settings;
  if (!connector.capabilities.actions.includes(action)) {
    const can = connector.capabilities.actions.join(', ');
    throw new ConnectorError('configuration', `connector ${connector.id} can't ${action}; it can: ${can}`);
  }
  if (input.restores === true && !connector.capabilities.restore) {
    throw new ConnectorError('configuration', `connector ${connector.id} (${connector.kind}) can't put items back`);
  }
  // A retry knows the asset that it is about: where another one lies, everything would seem to have vanished.
  if (input.fingerprint !== undefined) await proveAsset(connector, input.fingerprint, signal, deps.patienceMs);
  const patience = storagePatience(deps.patienceMs);
  const fingerprint = await within(patience, connector.fingerprint(signal), () =>
    silent(connector.id, 'looking for the asset', patience),
  );
  const report = await within(patience, connector.check(dryRun ? 'nothing' : action, signal), () =>
    silent(connector.id, 'checking it', patience),
  );
  const wrong = report.checks.find((check) => !check.ok);
  if (wrong !== undefined) throw new ConnectorError('configuration', `${wrong.name}: ${wrong.detail}`);
  const previous = await lastScan(deps.ledger, input.source, input.job);
  return { fingerprint, ...(previous !== undefined && { previous }) };
}

async function lastScan(ledger: Ledger, source: Source, job: string): Promise<OpenedJob['previous']> {
  let looked = 0;
  for await (const summary of ledger.jobs()) {
    if (++looked > LOOK_BACK) return undefined;
    if (summary.job === job || summary.kind !== 'full' || summary.source?.id !== source.id) continue;
    if (summary.state === 'unfinished') continue;
    const fingerprint = (await ledger.job(summary.job).head())?.body.account?.fingerprint;
    return { job: summary.job, listed: summary.listed, ...(fingerprint !== undefined && { fingerprint }) };
  }
  return undefined;
}
