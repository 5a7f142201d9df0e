import { bounded, count, digest, type Fields, fields, first, NONE, parseFields, text } from './loose-json.ts';
import type { UnscannableReason, VerdictDetail } from './outcome.ts';

/**
 * From one answer of DSXA (HTTP status and body) to an outcome or a class of failure. Pure, tolerant of everything but the
 * verdict itself: a field of the wrong type is as good as absent, so that no odd field can hide a Malicious, and only an
 * explicit Benign with status 200 is ever clean. The names of failures are those of the scanner's error table.
 */
export type Answer = Judged | Refused;

export interface Judged {
  readonly kind: 'judged';
  readonly outcome: 'clean' | 'malicious' | 'policy_blocked' | 'unscannable' | 'inconclusive';
  /** Present exactly for `unscannable`. */
  readonly reason?: UnscannableReason;
  readonly verdict: VerdictDetail;
  /** What the scanner says it received: to be compared with what was sent. */
  readonly claims: { readonly size?: number; readonly hash?: string; readonly containerHash?: string };
  readonly scanId?: string;
  /** The scanner's own scan time, in microseconds; without upload and queueing. */
  readonly engineMicros?: number;
}

export interface Refused {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  /** For a person; bounded, and never more of the answer than a reason or a verdict. */
  readonly detail: string;
}

export type RefusalCode =
  | 'scanner_auth'
  | 'scanner_starting'
  | 'scanner_config'
  | 'scanner_busy'
  | 'scanner_transient'
  | 'scanner_request'
  | 'scanner_protocol';

/** Reads one whole answer. Never throws. */
export function readAnswer(status: number, body: string): Answer {
  if (status === 200 || status === 400 || status === 503) {
    const json = parseFields(body);
    if (status === 200) return json === undefined ? refuse('scanner_protocol', NOT_JSON) : readVerdict(json, true);
    if (json !== undefined && verdictText(json) !== '') return readRefusedVerdict(status, json);
  }
  return readStatus(status);
}

const NOT_JSON = 'status 200, but the body is no JSON object (a proxy in between?)';

/** A verdict inside a refusal: configuration, a scanner that still starts, or a file that it would not take. */
function readRefusedVerdict(status: number, json: Fields): Answer {
  const answer = readVerdict(json, false);
  if (status === 400) return answer;
  const starting = answer.kind === 'refused' && answer.code === 'scanner_starting';
  return starting ? answer : readStatus(status);
}

function readStatus(status: number): Answer {
  const said = `status ${status}`;
  switch (status) {
    case 401:
    case 403:
      return refuse('scanner_auth', `${said}: the scanner refused the token`);
    case 404:
    case 405:
    case 407:
    case 410:
    case 501:
      return refuse('scanner_config', `${said}: no scanner answers at this address, or its REST API is off`);
    case 408:
    case 425:
      return refuse('scanner_transient', `${said}: the scanner gave up reading`);
    case 413:
      return {
        kind: 'judged',
        outcome: 'unscannable',
        reason: 'file_too_large',
        verdict: { verdict: '', reasonRaw: 'HTTP status 413' },
        claims: {},
      };
    case 429:
    case 502:
    case 503:
    case 504:
      return refuse('scanner_busy', `${said}: the scanner has no room now`);
    default:
  }
  if (status >= 500) return refuse('scanner_transient', `${said}: the scanner failed`);
  if (status >= 400) return refuse('scanner_request', `${said}: the scanner does not take this request`);
  if (status >= 300)
    return refuse('scanner_config', `${said}: the address leads elsewhere; redirects are not followed`);
  return refuse('scanner_protocol', `${said}: no answer to a scan`);
}

/** `ok`: the status was 200, without which nothing is clean. */
function readVerdict(json: Fields, ok: boolean): Answer {
  const raw = verdictText(json);
  if (raw === '') return refuse('scanner_protocol', 'the answer names no verdict');
  const nested = fields(json.details);
  const details = first(fields(json.verdict_details), fields(nested.verdictDetails), fields(nested.verdict_details));
  const info = first(fields(json.file_info), fields(nested.fileInfo), fields(nested.file_info));
  const verdict = normalise(raw);
  const old = details === NONE && info === NONE && ('file_type' in json || 'severity' in json);
  // A Malicious counts in whatever shape it comes; anything else of the old API is a wrong URL.
  if (old && verdict !== 'malicious') {
    return refuse('scanner_protocol', 'an answer of the old API; the scanner needs the v2 URL (/scan/binary/v2)');
  }
  const reasonRaw = text(details.reason);
  const ruling = rule(verdict, reasonRaw ?? '', raw, ok);
  if (ruling.kind === 'refused') return ruling;

  const threatType = text(details.threat_type ?? details.threatType);
  const fileType = text(info.file_type ?? info.fileType ?? json.file_type);
  const description = text(details.event_description ?? details.eventDescription);
  const containerFiles = count(json.container_files_scanned ?? nested.containerFilesScanned);
  const containerBytes = count(json.container_files_scanned_size ?? nested.containerFilesScannedSize);
  const size = count(info.file_size_in_bytes ?? info.fileSizeInBytes ?? json.file_size_in_bytes);
  const hash = digest(info.file_hash ?? info.fileHash ?? json.file_hash);
  const containerHash = digest(info.container_hash ?? info.containerHash ?? json.container_hash);
  const scanId = text(json.scan_guid);
  const engineMicros = count(json.scan_duration_in_microseconds ?? nested.scanDurationInMicroseconds);
  return {
    kind: 'judged',
    outcome: ruling.outcome,
    ...(ruling.reason !== undefined && { reason: ruling.reason }),
    verdict: {
      verdict: bounded(raw),
      ...(threatType !== undefined && { threatType }),
      ...(fileType !== undefined && { fileType }),
      ...(reasonRaw !== undefined && { reasonRaw }),
      ...(description !== undefined && { description }),
      ...(containerFiles !== undefined && { containerFiles }),
      ...(containerBytes !== undefined && { containerBytes }),
    },
    claims: {
      ...(size !== undefined && { size }),
      ...(hash !== undefined && { hash }),
      ...(containerHash !== undefined && { containerHash }),
    },
    ...(scanId !== undefined && { scanId }),
    ...(engineMicros !== undefined && { engineMicros }),
  };
}

type Ruling = Refused | { kind: 'ruled'; outcome: Judged['outcome']; reason?: UnscannableReason };

function rule(verdict: string, reason: string, raw: string, ok: boolean): Ruling {
  switch (verdict) {
    case 'benign':
      if (ok) return { kind: 'ruled', outcome: 'clean' };
      return refuse('scanner_protocol', 'a Benign inside a refusal');
    case 'malicious':
      return { kind: 'ruled', outcome: 'malicious' };
    case 'non compliant':
      return { kind: 'ruled', outcome: 'policy_blocked' };
    case 'unknown':
      return { kind: 'ruled', outcome: 'inconclusive' };
    case 'unsupported file type':
      return { kind: 'ruled', outcome: 'unscannable', reason: 'file_type_not_supported' };
    case 'encrypted':
    case 'encrypted file':
      return { kind: 'ruled', outcome: 'unscannable', reason: 'encrypted_file' };
    case 'scanning':
      return refuse('scanner_protocol', `the verdict is "${bounded(raw)}" where a final one is due`);
    case 'not scanned':
      break;
    default:
      return { kind: 'ruled', outcome: 'inconclusive' };
  }
  const words = reason.toLowerCase();
  if (/initiali[sz]/.test(words)) return refuse('scanner_starting', `the scanner is not ready: "${reason}"`);
  if (/protected[ _-]?entity/.test(words)) {
    return refuse('scanner_config', `the scanner refuses the protected entity: "${reason}"`);
  }
  return { kind: 'ruled', outcome: 'unscannable', reason: reasonOf(reason) };
}

/** The first line whose words all occur wins; what is special stands before what is general. */
const REASONS: readonly (readonly [UnscannableReason, ...RegExp[]])[] = [
  ['encrypted_file', /encrypt|password/],
  ['zip_bomb', /bomb|compression ratio/],
  ['archive_nesting_limit', /nest|depth/],
  ['archive_too_large', /archive|container|zip/, /large|size|limit/],
  ['file_too_large', /large|size|big/],
  ['file_type_not_supported', /unsupported|not supported|file type/],
  ['corrupted_file', /corrupt|malformed|damaged|broken/],
  ['scan_error', /scan error|scan failed|internal error|timeout|timed out/],
];

/** Whether a verdict, as a scanner spells it, makes a finding. */
export function isFindingVerdict(raw: string): boolean {
  const ruling = rule(normalise(raw), '', raw, true);
  return ruling.kind === 'ruled' && (ruling.outcome === 'malicious' || ruling.outcome === 'policy_blocked');
}

/** The normalised reason of a "Not Scanned" text, by tolerant keywords. */
export function reasonOf(raw: string): UnscannableReason {
  const words = raw.toLowerCase().replace(/[_-]/g, ' ');
  for (const [reason, ...patterns] of REASONS) if (patterns.every((p) => p.test(words))) return reason;
  return 'other';
}

/** How verdicts are compared: case, spaces, `_` and `-` do not matter. */
function normalise(raw: string): string {
  return raw
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, ' ');
}

function verdictText(json: Fields): string {
  return typeof json.verdict === 'string' ? json.verdict.trim() : '';
}

function refuse(code: RefusalCode, detail: string): Refused {
  return { kind: 'refused', code, detail };
}
