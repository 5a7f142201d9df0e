import type { ActionRow } from '../domain/action.ts';
import { isFinding, type OutcomeRow } from '../domain/outcome.ts';
import type { JobHeader } from '../ledger/types.ts';
import { connectorUuid } from '../net/connector-uuid.ts';

/**
 * One result as receivers get it: the shape that receivers of the former dsx-connect know (`timestamp` has no zone, and is UTC), with `id`,
 * `event` and `outcome` beside it. At least once: a repeat has the same `id`.
 */
export interface ResultMessage {
  /** `<job>/<page>:<ordinal>`, of an action with its state behind it. */
  readonly id: string;
  readonly event: 'outcome' | 'action';
  readonly timestamp: string;
  readonly source: 'dsx-connect';
  readonly outcome: string;
  readonly reason?: string;
  /** A stand-in judged: no proof of anything. */
  readonly stand_in?: true;
  readonly scan_request: {
    readonly location: string;
    readonly metainfo: string;
    readonly connector: {
      readonly name: string;
      readonly display_name: string;
      readonly uuid: string;
      /** None has an address: workers open the storage. */
      readonly url: '';
      readonly item_action: string;
      readonly item_action_move_metainfo: string;
      readonly filter: string;
      /** Of a folder that is no connector. */
      readonly asset?: string;
    };
    readonly connector_url: '';
    readonly requested_action: null;
    readonly size_in_bytes: number | null;
    readonly scan_job_id: string;
    readonly job_item_id: string;
    readonly scan_source: null;
  };
  readonly verdict: Readonly<Record<string, unknown>> | null;
  readonly item_action: {
    readonly status: 'success' | 'error' | 'nothing';
    readonly item_action: string;
    readonly message: string;
    readonly description: string | null;
    readonly id: null;
    readonly preview: null;
  };
}

type Job = Pick<JobHeader, 'job' | 'source' | 'settings'>;

/** What is told of an item when it was judged. Its action, if there is one, is told in a message of its own. */
export function outcomeMessage(job: Job, row: OutcomeRow): ResultMessage {
  const { settings } = job;
  const acts = isFinding(row.outcome) && settings.action !== 'nothing';
  return {
    id: `${job.job}/${row.item}`,
    event: 'outcome',
    timestamp: withoutZone(row.at),
    source: 'dsx-connect',
    outcome: row.outcome,
    ...(row.reason !== undefined && { reason: row.reason }),
    ...(row.scanner?.standIn === true && { stand_in: true as const }),
    scan_request: requestOf(job, row, row.judged?.size ?? row.listed.size),
    verdict: verdictOf(row),
    item_action: acts
      ? told('nothing', settings.action, 'The action is told in a message of its own')
      : told('nothing', 'nothing', 'No action taken'),
  };
}

/** What became of the action on a finding. */
export function actionMessage(job: Job, row: ActionRow): ResultMessage {
  const status =
    row.state === 'done' ? 'success' : row.state === 'failed' || row.state === 'refused' ? 'error' : 'nothing';
  return {
    id: `${job.job}/${row.item}#${row.action}-${row.state}`,
    event: 'action',
    timestamp: withoutZone(row.at),
    source: 'dsx-connect',
    outcome: 'malicious',
    scan_request: requestOf(job, row, undefined),
    verdict: {
      verdict: 'Malicious',
      verdict_details: { ...(row.threat !== undefined && { threat_type: row.threat }) },
      file_info: { ...(row.sha256 !== undefined && { file_hash: row.sha256 }) },
    },
    item_action: told(
      status,
      row.action,
      row.destination === undefined
        ? `${row.action}: ${row.state}`
        : `${row.action}: ${row.state}, to ${row.destination}`,
      row.note ?? row.code,
    ),
  };
}

function told(
  status: ResultMessage['item_action']['status'],
  action: string,
  message: string,
  description?: string,
): ResultMessage['item_action'] {
  return { status, item_action: action, message, description: description ?? null, id: null, preview: null };
}

function requestOf(
  { job, source, settings }: Job,
  { location, item }: { location: string; item: string },
  size: number | undefined,
): ResultMessage['scan_request'] {
  return {
    location,
    metainfo: location,
    connector: {
      name: source.id,
      display_name: source.id,
      uuid: connectorUuid(source.id),
      url: '',
      item_action: settings.action,
      item_action_move_metainfo: settings.quarantine ?? '',
      filter: settings.filter,
      ...(source.kind === 'folder' && { asset: source.path }),
    },
    connector_url: '',
    requested_action: null,
    size_in_bytes: size ?? null,
    scan_job_id: job,
    job_item_id: item,
    scan_source: null,
  };
}

function verdictOf({ verdict, scanner, judged, sha256 }: OutcomeRow): ResultMessage['verdict'] {
  if (verdict === undefined) return null;
  return defined({
    scan_guid: scanner?.scanId,
    verdict: verdict.verdict,
    verdict_details: defined({
      event_description: verdict.description,
      reason: verdict.reasonRaw,
      threat_type: verdict.threatType,
    }),
    file_info: defined({ file_type: verdict.fileType, file_size_in_bytes: judged?.size, file_hash: sha256 }),
    scan_duration_in_microseconds: scanner?.engineMicros,
    container_files_scanned: verdict.containerFiles,
    container_files_scanned_size: verdict.containerBytes,
    last_update_time: scanner?.modelTime,
  });
}

function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function withoutZone(at: string): string {
  return at.replace(/Z$/, '');
}
