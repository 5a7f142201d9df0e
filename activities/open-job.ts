import { Context } from '@temporalio/activity';
import { ConnectorError } from '../connectors/errors.ts';
import type { Source } from '../domain/job.ts';
import { isLedgerError } from '../ledger/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Account } from '../ledger/types.ts';
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
  // What the job is about is told by what is configured now.
  const connector = await deps.connector(input.source, input.settings, 'newest');
  const revision = deps.revisionOf?.(input.source);
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
  return {
    fingerprint,
    ...(revision !== undefined && { revision }),
    ...(previous !== undefined && { previous }),
  };
}

async function lastScan(ledger: Ledger, source: Source, job: string): Promise<OpenedJob['previous']> {
  for (const begun of (await ledger.starts()).slice(0, LOOK_BACK)) {
    if (begun.job === job || begun.kind !== 'full' || begun.source !== source.id) continue;
    const account = await accountOf(ledger, begun.job);
    if (account === undefined) continue;
    const { listed, fingerprint } = account;
    return { job: begun.job, listed, ...(fingerprint !== undefined && { fingerprint }) };
  }
  return undefined;
}

/** Undefined when it has not ended, or its ledger is damaged. */
async function accountOf(ledger: Ledger, job: string): Promise<Account | undefined> {
  try {
    return (await ledger.job(job).state())?.head?.body.account;
  } catch (error) {
    if (isLedgerError(error, 'corrupt') || isLedgerError(error, 'not_found')) return undefined;
    throw error;
  }
}
