import type { ActionRow } from '../domain/action.ts';
import type { ScanSettings } from '../domain/job.ts';
import { isLedgerError } from '../ledger/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { doneRows, isUndoable, restorable } from '../ledger/restores.ts';
import type { StartRequest } from '../workflows/messages.ts';
import type { RestoreBody } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { newJobId } from './job-id.ts';
import type { Jobs } from './jobs.ts';
import { ApiProblem } from './problems.ts';
import { checkFolderScans, findConnector } from './start-request.ts';

/**
 * What a restore of what a job moved or tagged is started with. The job may still run: what it has committed can be put back.
 * @throws ApiProblem `job_not_found`, `nothing_to_restore`, `request_invalid` (a finding that can't be put back), `connector_not_found`,
 * `connector_changed`, `folder_scans_off`, `ledger_unavailable` (damaged); LedgerError
 */
export async function restoreRequest(
  deps: ApiDeps,
  jobs: Jobs,
  of: string,
  body: RestoreBody,
  actor: string,
): Promise<StartRequest> {
  const header = await (await jobs.ledgerOf(of)).header();
  if (header === undefined) {
    await jobs.get(of);
    throw nothing(of, 'it has not begun yet');
  }
  const { source, settings: found } = header;
  const bound = source.kind === 'connector' ? findConnector(deps, source.id) : undefined;
  if (source.kind === 'folder') checkFolderScans(deps);
  else await refuseOtherAsset(deps, of, source.id, header.startedAt);
  const items = await undamaged(of, () => chosen(deps, of, body.findings));
  // A person ordered it: no brake holds it.
  const { maxActions: _, maxActionsWindow: __, incremental: ___, rescanAfter: ____, ...rest } = found;
  const settings: ScanSettings = { ...rest, dryRun: false };
  const { reason } = body;
  const at = new Date().toISOString();
  return {
    job: newJobId(),
    kind: 'apply',
    source,
    settings,
    actor,
    ...(bound?.site !== undefined && { site: bound.site }),
    order: {
      why: 'restore',
      job: of,
      by: actor,
      at,
      ...(reason !== undefined && { reason }),
      ...(items !== undefined && { findings: items.length }),
    },
    ...(items !== undefined && { items }),
  };
}

/**
 * What lay in one asset is not put into another one, where its name means something else.
 * @param at when the job that found it began, ISO 8601
 * @throws ApiProblem `connector_changed`; LedgerError
 */
async function refuseOtherAsset({ made, ledger }: ApiDeps, of: string, connector: string, at: string): Promise<void> {
  await made?.refresh();
  if (made?.entry(connector) === undefined) return;
  const then = await (await ledger.open()).connectors.at(connector, at);
  if (then !== undefined && !then.deleted && !made.leadsElsewhere(connector, then.definition)) return;
  const was = then === undefined || then.deleted ? 'was not made through the API then' : 'leads to another asset now';
  const detail = `Connector ${connector} ${was}: what job ${of} moved is not put where it never was. Give the connector the asset that it had.`;
  throw new ApiProblem('connector_changed', detail, { extra: { job: of } });
}

/** The items of the findings that were named, sorted; undefined for all that is not put back yet. */
async function chosen(
  deps: ApiDeps,
  of: string,
  findings: readonly string[] | undefined,
): Promise<string[] | undefined> {
  const ledger = await deps.ledger.open();
  if (findings !== undefined) return await named(ledger, of, findings);
  for await (const _ of restorable(ledger, of, undefined)) return undefined;
  let undoable = false;
  for await (const row of doneRows(ledger.job(of))) undoable ||= isUndoable(row);
  throw nothing(
    of,
    undoable
      ? 'everything that it moved was put back'
      : 'it moved nothing that could be put back (GET quarantine, or dsx quarantine, names the jobs that did)',
  );
}

async function named(ledger: Ledger, of: string, findings: readonly string[]): Promise<string[]> {
  const wanted = new Set(findings.map((finding) => finding.slice(finding.lastIndexOf('/') + 1)));
  const found = new Map<string, ActionRow>();
  for await (const row of doneRows(ledger.job(of))) if (wanted.has(row.item)) found.set(row.item, row);
  const wrong = [...wanted].filter((item) => !isUndoable(found.get(item) ?? NEVER_DONE));
  if (wrong.length === 0) return [...wanted].sort();
  const one = found.get(wrong[0] as string);
  const why = one === undefined ? 'moved nothing' : `did ${one.action}, which can't be undone,`;
  const message = `Job ${of} ${why} for ${wrong.slice(0, 5).join(', ')}.`;
  throw new ApiProblem('request_invalid', `body: findings: ${message}`, {
    extra: { in: 'body', errors: [{ field: 'findings', message }] },
  });
}

const NEVER_DONE = { state: 'planned' } as ActionRow;

function nothing(of: string, why: string): ApiProblem {
  const detail = `Job ${of} has nothing to put back: ${why}.`;
  return new ApiProblem('nothing_to_restore', detail, { extra: { job: of } });
}

async function undamaged<T>(of: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isLedgerError(error, 'corrupt')) throw error;
    const detail = `${error.message} "dsx ledger verify ${of}" tells more.`;
    throw new ApiProblem('ledger_unavailable', detail, { cause: error, extra: { job: of, reason: error.code } });
  }
}
