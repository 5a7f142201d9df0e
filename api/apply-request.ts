import type { ActionRow } from '../domain/action.ts';
import type { ScanSettings } from '../domain/job.ts';
import { pageActions } from '../ledger/actions.ts';
import { ledgerJob } from '../ledger/job-progress.ts';
import type { JobLedger } from '../ledger/ledger.ts';
import { MAX_ROWS } from '../ledger/outcomes.ts';
import type { StartRequest } from '../workflows/messages.ts';
import { brakeOf } from './brake.ts';
import type { ApplyBody } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { newJobId } from './job-id.ts';
import type { Jobs } from './jobs.ts';
import { ApiProblem } from './problems.ts';
import { checkFolderScans, findConnector } from './start-request.ts';

/**
 * What an apply job for the plan of a job is started with.
 * @throws ApiProblem `job_not_found`, `job_running`, `nothing_planned`, `connector_not_found`, `folder_scans_off`; LedgerError
 */
export async function applyRequest(
  deps: ApiDeps,
  jobs: Jobs,
  of: string,
  body: ApplyBody,
  actor: string,
): Promise<StartRequest> {
  const ledger = await jobs.ledgerOf(of);
  const known = await ledgerJob(ledger);
  if (known === undefined || !known.ended) {
    await jobs.get(of);
    throw new ApiProblem('job_running', `Job ${of} has not ended; its plan is not whole yet.`, { extra: { job: of } });
  }
  const { source, settings: planned, actions } = known.progress;
  if (actions.planned === 0) {
    const detail = `Job ${of} planned nothing. Only a dry run with an item action plans: scan with dryRun.`;
    throw new ApiProblem('nothing_planned', detail, { extra: { job: of } });
  }
  const bound = source.kind === 'connector' ? findConnector(deps, source.id) : undefined;
  if (source.kind === 'folder') checkFolderScans(deps);
  const { maxActions: _, maxActionsWindow: __, incremental: ___, rescanAfter: ____, ...rest } = planned;
  const settings: ScanSettings = { ...rest, dryRun: body.dryRun ?? false, ...brakeOf(body, bound ?? planned) };
  const items = body.findings === undefined ? undefined : await plannedItems(ledger, body.findings);
  return {
    job: newJobId(),
    kind: 'apply',
    source,
    settings,
    actor,
    ...(bound?.site !== undefined && { site: bound.site }),
    order: { why: 'planned', job: of, by: actor, at: new Date().toISOString() },
    ...(items !== undefined && { items }),
  };
}

/** The items of the findings that were named, sorted. @throws ApiProblem `request_invalid` for one that was not planned */
async function plannedItems(ledger: JobLedger, findings: readonly string[]): Promise<string[]> {
  const wanted = new Set(findings.map((finding) => finding.slice(finding.lastIndexOf('/') + 1)));
  const missing = new Set(wanted);
  let after: string | undefined;
  do {
    const page: { rows: readonly ActionRow[]; next?: string } = await pageActions(ledger, {
      state: 'planned',
      limit: MAX_ROWS,
      ...(after !== undefined && { after }),
    });
    for (const { item } of page.rows) missing.delete(item);
    after = page.next;
  } while (after !== undefined && missing.size > 0);
  if (missing.size === 0) return [...wanted].sort();
  const message = `Job ${ledger.id} planned nothing for ${[...missing].slice(0, 5).join(', ')}.`;
  throw new ApiProblem('request_invalid', `body: findings: ${message}`, {
    extra: { in: 'body', errors: [{ field: 'findings', message }] },
  });
}
