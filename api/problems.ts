import { CodedError } from '../domain/errors.ts';
import type { Problem } from './contract.ts';

/**
 * Every problem the API answers with: code → status and title. Codes are stable; clients decide on them, never on the texts.
 * `docs/api.md` lists exactly these.
 */
export const PROBLEMS = {
  bad_request: { status: 400, title: 'The request can not be understood' },
  json_invalid: { status: 400, title: 'The body is not valid JSON' },
  request_invalid: { status: 400, title: 'A field of the request is not valid' },
  delivery_invalid: { status: 400, title: 'The delivery can not be understood' },
  filter_invalid: { status: 400, title: 'The filter does not parse' },
  unauthorized: { status: 401, title: 'A valid key is needed' },
  delivery_unverified: { status: 401, title: 'Nothing proves who sent the delivery' },
  forbidden: { status: 403, title: 'The role of the key does not allow this' },
  delivery_refused: { status: 403, title: 'The delivery is of a sender that is not configured' },
  host_refused: { status: 403, title: 'The Host header is not this server' },
  origin_refused: { status: 403, title: 'The request comes from a foreign origin' },
  folder_scans_off: { status: 403, title: 'Scans of folders are switched off' },
  not_found: { status: 404, title: 'There is no such resource' },
  job_not_found: { status: 404, title: 'There is no such job' },
  connector_not_found: { status: 404, title: 'There is no such connector' },
  not_watched: { status: 404, title: 'The connector is not watched' },
  estimate_not_found: { status: 404, title: 'There is no such estimate' },
  source_not_found: { status: 404, title: 'There is no such source' },
  webhook_not_found: { status: 404, title: 'There is no such webhook' },
  schedule_not_found: { status: 404, title: 'There is no such schedule' },
  key_not_found: { status: 404, title: 'There is no such key' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  body_timeout: { status: 408, title: 'The body did not arrive in time' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  delivery_repeated: { status: 409, title: 'The delivery was taken before' },
  scan_running: { status: 409, title: 'A scan with other settings runs' },
  job_ended: { status: 409, title: 'The job has ended' },
  job_not_ended: { status: 409, title: 'The job has not ended' },
  nothing_to_retry: { status: 409, title: 'There is nothing to retry' },
  too_many_retries: { status: 409, title: 'The job was retried too often' },
  job_cancelling: { status: 409, title: 'The job is being cancelled' },
  job_running: { status: 409, title: 'The job has not ended' },
  nothing_planned: { status: 409, title: 'The job planned nothing' },
  nothing_to_restore: { status: 409, title: 'There is nothing to put back' },
  not_allowed: { status: 409, title: 'The hash is not allowed' },
  keys_off: { status: 409, title: 'This API runs without a key' },
  key_name_taken: { status: 409, title: 'A key of this name was made before' },
  signing_off: { status: 409, title: 'Remote connectors sign nothing here' },
  key_rotating: { status: 409, title: 'The key before still counts' },
  key_ended: { status: 409, title: 'The key counts no more' },
  list_changed: { status: 409, title: 'The list is not the one that was shown' },
  sweeps_off: { status: 409, title: 'The connector has no sweeps' },
  not_waiting: { status: 409, title: 'The findings do not wait' },
  connector_exists: { status: 409, title: 'There is a connector of this id' },
  connector_changed: { status: 409, title: 'The connector is not the revision that was seen' },
  connector_managed: { status: 409, title: 'The connector was not made through the API' },
  connector_in_use: { status: 409, title: 'The connector is in use' },
  schedule_exists: { status: 409, title: 'There is a schedule of this id' },
  schedule_changed: { status: 409, title: 'The schedule is not the revision that was seen' },
  schedule_managed: { status: 409, title: 'The schedule is kept in the configuration file' },
  schedule_running: { status: 409, title: 'A run of the schedule goes on' },
  scanner_not_named: { status: 409, title: 'No scanner is named' },
  scanner_unknown: { status: 409, title: 'There is no scanner of this name' },
  standin_refused: { status: 409, title: 'A stand-in scanner is refused here' },
  precondition_failed: { status: 412, title: 'The resource is not the revision that If-Match names' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported here' },
  idempotency_mismatch: { status: 422, title: 'The idempotency key was used for another request' },
  over_capacity: { status: 429, title: 'More arrives than can be taken now' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  headers_too_large: { status: 431, title: 'The headers are too many or too large' },
  internal: { status: 500, title: 'Internal error' },
  not_supported: { status: 501, title: 'This is not supported' },
  check_failed: { status: 502, title: 'The check could not be carried out' },
  scanner_failed: { status: 502, title: 'The scanner gave no verdict' },
  storage_failed: { status: 502, title: 'The storage gave no answer that can be used' },
  workflow_failed: { status: 502, title: 'The workflow refused or failed' },
  scanner_unavailable: { status: 503, title: 'The scanner can not be used now' },
  temporal_unreachable: { status: 503, title: 'Temporal can not be reached' },
  payloads_unreadable: { status: 503, title: 'What Temporal keeps can not be decrypted' },
  no_worker: { status: 503, title: 'No worker answered in time' },
  status_unavailable: { status: 503, title: 'Redis can not be used now' },
  delivery_in_hand: { status: 503, title: 'The delivery is being taken just now' },
  verification_unavailable: { status: 503, title: 'What verifies the delivery can not be had now' },
  intake_unavailable: { status: 503, title: 'Events can not be taken now' },
  ledger_unavailable: { status: 503, title: 'The ledger can not be used now' },
  too_many_streams: { status: 503, title: 'Too many event streams are open' },
  stopping: { status: 503, title: 'This server is stopping' },
  ledger_full: { status: 507, title: 'The ledger can not be written: no space' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Thrown by handlers to answer with a problem. `extra` are further members of the answer. */
export class ApiProblem extends CodedError<ProblemCode> {
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(
    code: ProblemCode,
    detail: string,
    options: { cause?: unknown; extra?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(code, detail, options);
    this.extra = options.extra ?? {};
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  toBody(): Problem {
    const { status, title } = PROBLEMS[this.code];
    return {
      ...this.extra,
      type: `urn:dsx-connect:problem:${this.code}`,
      title,
      status,
      code: this.code,
      detail: this.message,
    };
  }
}
