import type { Finding } from './engine.ts';
import type { Fault } from './faults.ts';

export interface Facts {
  readonly guid: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly entity: string | undefined;
  readonly metadata: string | undefined;
  readonly micros: number;
}

/** The answer to a scan in the v2 shape. The plain case is put together by hand: it is the one that benchmarks measure. */
export function answerText(finding: Finding, facts: Facts): string {
  const reason = finding.reason === undefined ? '' : `,"reason":${JSON.stringify(finding.reason)}`;
  const threat = finding.threatType === undefined ? '' : `,"threat_type":"${finding.threatType}"`;
  const entity =
    facts.entity !== undefined && /^\d+$/.test(facts.entity) ? `,"protected_entity":${Number(facts.entity)}` : '';
  const metadata = facts.metadata === undefined ? '' : `,"X-Custom-Metadata":${JSON.stringify(facts.metadata)}`;
  const container =
    finding.containerFiles === undefined
      ? ''
      : `,"container_files_scanned":${finding.containerFiles},"container_files_scanned_size":${finding.containerBytes}`;
  return (
    `{"scan_guid":"${facts.guid}","verdict":"${finding.verdict}",` +
    `"verdict_details":{"event_description":"${finding.description}"${reason}${threat}},` +
    `"file_info":{"file_type":"${finding.fileType}","file_size_in_bytes":${facts.bytes},"file_hash":"${facts.sha256}"}` +
    `${entity},"scan_duration_in_microseconds":${facts.micros}${container}${metadata}}`
  );
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: readonly string[];
}

const JSON_TYPE = 'application/json';

/** The faults that change an answer which is otherwise due. */
export function distort(fault: Fault, text: string): Answer {
  const status = Number(fault.kind);
  if (Number.isInteger(status)) return statusAnswer(status, fault);
  // Parsed and written again: a fault may be slow.
  const json = JSON.parse(text) as Record<string, Record<string, unknown> & unknown>;
  const done = (value: unknown): Answer => ({ status: 200, type: JSON_TYPE, body: JSON.stringify(value) });
  const info = json.file_info as Record<string, unknown>;
  const details = json.verdict_details as Record<string, unknown>;
  switch (fault.kind) {
    case 'truncated-json':
      return { status: 200, type: JSON_TYPE, body: text.slice(0, text.length >> 1) };
    case 'html':
      return { status: 200, type: 'text/html', body: '<html><body>Sign in to continue</body></html>' };
    case 'empty':
      return { status: 200, type: JSON_TYPE, body: '' };
    case 'oversize':
      return done({ ...json, filler: 'x'.repeat(2 ** 21) });
    case 'unknown-verdict':
      return done({ ...json, verdict: 'Probably Fine' });
    case 'unknown-threat':
      return done({ ...json, verdict_details: { ...details, threat_type: { family: ['new'] } } });
    case 'null-details':
      return done({ ...json, verdict_details: null, file_info: null });
    case 'no-guid':
      return done({ ...json, scan_guid: undefined });
    case 'no-verdict':
      return done({ ...json, verdict: undefined });
    case 'wrong-hash':
      return done({ ...json, file_info: { ...info, file_hash: '0'.repeat(64) } });
    case 'wrong-size':
      return done({ ...json, file_info: { ...info, file_size_in_bytes: Number(info.file_size_in_bytes) + 1 } });
    case 'nested':
      return done(nested(json, details, info));
    case 'legacy':
      return done({ scan_guid: json.scan_guid, verdict: json.verdict, severity: 'LOW', ...info });
    case 'scanning':
      return done({ scan_guid: json.scan_guid, verdict: 'Scanning', verdict_details: {} });
    case 'initializing':
      return done({
        scan_guid: json.scan_guid,
        verdict: 'Not Scanned',
        verdict_details: { reason: 'Scanner is initializing' },
      });
    case 'bad-entity':
      return {
        ...done({
          scan_guid: json.scan_guid,
          verdict: 'Not Scanned',
          verdict_details: { reason: 'Invalid protected entity' },
        }),
        status: 400,
      };
    case 'not-scanned':
      return {
        ...done({ ...json, verdict: 'Not Scanned', verdict_details: { reason: fault.params.reason } }),
        status: Number(fault.params.status ?? 200),
      };
    case 'verdict':
      return { ...done({ ...json, verdict: fault.params.is }), status: Number(fault.params.status ?? 200) };
    default:
      return { status: 200, type: JSON_TYPE, body: text };
  }
}

function nested(json: Record<string, unknown>, details: unknown, info: Record<string, unknown>): unknown {
  return {
    scan_guid: json.scan_guid,
    verdict: json.verdict,
    details: {
      verdictDetails: details,
      fileInfo: { fileType: info.file_type, fileSizeInBytes: info.file_size_in_bytes, fileHash: info.file_hash },
    },
  };
}

export function statusAnswer(status: number, fault?: Fault): Answer {
  const headers: string[] = [];
  const retryAfter = fault?.params['retry-after'];
  if (retryAfter !== undefined) headers.push('Retry-After', retryAfter);
  if (status >= 300 && status < 400) headers.push('Location', fault?.params.location ?? '/elsewhere');
  return { status, type: JSON_TYPE, body: `{"error":"status ${status}"}`, headers };
}
