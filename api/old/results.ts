import { z } from 'zod';
import type { ActionRow } from '../../domain/action.ts';
import type { JobKind, ScanSettings, Source } from '../../domain/job.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import type { ConnectorResource } from '../contract.ts';
import { resultNumber } from './identity.ts';
import { connectorModel, modelOfSource } from './models.ts';
import { statusResponse } from './old-route.ts';
import { taskOfRow } from './push-task.ts';

const nothing = z.null();
const verdict = z.object({
  scan_guid: z.string(),
  verdict: z.string(),
  verdict_details: z.object({
    event_description: z.string().nullable(),
    reason: z.string().nullable(),
    threat_type: z.string().nullable(),
  }),
  file_info: z
    .object({
      file_type: z.string().nullable(),
      file_size_in_bytes: z.number().nullable(),
      file_hash: z.string().nullable(),
      container_hash: nothing,
      additional_office_data: nothing,
    })
    .nullable(),
  protected_entity: nothing,
  scan_duration_in_microseconds: z.number().nullable(),
  container_files_scanned: z.number().nullable(),
  container_files_scanned_size: z.number().nullable(),
  last_update_time: z.string().nullable(),
});

/** A result as the former product told of it. */
export const scanResult = z.object({
  id: z.number(),
  scan_request_task_id: z.string(),
  scan_job_id: z.string(),
  metadata_tag: nothing,
  scan_request: z.object({
    connector: connectorModel,
    location: z.string(),
    metainfo: z.string(),
    connector_url: z.string(),
    requested_action: nothing,
    size_in_bytes: z.number().nullable(),
    scan_job_id: z.string(),
    job_item_id: z.string(),
    scan_source: nothing,
  }),
  verdict,
  item_action: statusResponse.extend({ item_action: z.string() }),
  status: z.enum(['not scanned', 'scanned', 'action attempted, but failed', 'action succeeded']),
  // New.
  outcome: z.string(),
  at: z.string(),
  stand_in: z.boolean(),
});
export type ScanResult = z.output<typeof scanResult>;

/** Rows that are results: a scanner judged them, or said why it could not. What failed is among the dead letters. */
export function isResult({ outcome, verdict }: OutcomeRow): boolean {
  return verdict !== undefined || ['unscannable', 'inconclusive'].includes(outcome);
}

/** A job as its results need it. */
export interface ResultJob {
  readonly job: string;
  readonly kind: JobKind;
  readonly source: Source;
  readonly settings: Pick<ScanSettings, 'action'>;
  /** Nothing of it is still to be done. */
  readonly ended: boolean;
}

/** Whether an item action is still to be carried out, or to be told of. */
export function isPending({ settings, ended }: ResultJob, row: OutcomeRow, action: ActionRow | undefined): boolean {
  return action === undefined && row.outcome === 'malicious' && settings.action !== 'nothing' && !ended;
}

/** @param action the item action of the row as it stands now */
export function resultOf(
  job: ResultJob,
  row: OutcomeRow,
  action: ActionRow | undefined,
  connectors: readonly ConnectorResource[],
): ScanResult {
  const model = modelOfSource(job.source, connectors);
  const size = row.judged?.size ?? row.listed.size ?? null;
  return {
    id: resultNumber(job.job, row.item, row.at),
    scan_request_task_id: taskOfRow(job, row),
    scan_job_id: job.job,
    metadata_tag: null,
    scan_request: {
      connector: model,
      location: row.location,
      metainfo: row.location,
      connector_url: model.url,
      requested_action: null,
      size_in_bytes: size,
      scan_job_id: job.job,
      job_item_id: row.item,
      scan_source: null,
    },
    verdict: verdictOf(row, size),
    item_action: isPending(job, row, action) ? { ...actionOf(undefined), message: 'Action pending' } : actionOf(action),
    status: statusOf(row, action),
    outcome: row.outcome,
    at: row.at,
    stand_in: row.scanner?.standIn ?? false,
  };
}

function verdictOf(row: OutcomeRow, size: number | null): ScanResult['verdict'] {
  const { verdict: said, scanner } = row;
  return {
    scan_guid: scanner?.scanId ?? '',
    verdict: said?.verdict ?? 'Not Scanned',
    verdict_details: {
      event_description: said?.description ?? row.note ?? null,
      reason: said?.reasonRaw ?? row.reason ?? null,
      threat_type: said?.threatType ?? null,
    },
    file_info: {
      file_type: said?.fileType ?? null,
      file_size_in_bytes: size,
      file_hash: row.sha256 ?? null,
      container_hash: null,
      additional_office_data: null,
    },
    protected_entity: null,
    scan_duration_in_microseconds: scanner?.engineMicros ?? null,
    container_files_scanned: said?.containerFiles ?? null,
    container_files_scanned_size: said?.containerBytes ?? null,
    last_update_time: scanner?.modelTime ?? null,
  };
}

const DONE = { delete: 'File deleted', move: 'File moved', tag: 'File tagged', movetag: 'File moved and tagged' };

function actionOf(action: ActionRow | undefined): ScanResult['item_action'] {
  const whole = (status: 'success' | 'error' | 'nothing', message: string): ScanResult['item_action'] => ({
    status,
    message,
    description: action?.destination === undefined ? (action?.note ?? null) : `moved to ${action.destination}`,
    id: null,
    preview: null,
    item_action: action?.action ?? 'nothing',
  });
  if (action === undefined || action.action === 'nothing') return whole('nothing', 'No action taken');
  if (action.action === 'restore') return whole('nothing', 'File restored');
  if (action.state === 'done') return whole('success', DONE[action.action]);
  if (action.state === 'planned') return whole('nothing', 'Action planned');
  if (action.state === 'awaiting-approval') return whole('nothing', 'Action waits for approval');
  return whole('error', `Action ${action.state}${action.code === undefined ? '' : `: ${action.code}`}`);
}

function statusOf(row: OutcomeRow, action: ActionRow | undefined): ScanResult['status'] {
  const { status } = actionOf(action);
  if (status === 'success') return 'action succeeded';
  if (status === 'error') return 'action attempted, but failed';
  return row.verdict === undefined ? 'not scanned' : 'scanned';
}
