import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, readAnswer, reasonOf } from '../../domain/verdict.ts';

const HASH = 'ab'.repeat(32);

function answer(json: unknown, status = 200): Answer {
  return readAnswer(status, JSON.stringify(json));
}

function outcomeOf(a: Answer): string {
  return a.kind === 'judged' ? (a.reason === undefined ? a.outcome : `${a.outcome}/${a.reason}`) : a.code;
}

describe('readAnswer', () => {
  it('reads a whole v2 answer', () => {
    const a = answer({
      scan_guid: 'c41e',
      verdict: 'Malicious',
      verdict_details: { event_description: 'bad', threat_type: 'VIRUS', reason: 'why' },
      file_info: { file_type: 'EICARType', file_size_in_bytes: 68, file_hash: HASH.toUpperCase(), container_hash: '' },
      scan_duration_in_microseconds: 640,
      container_files_scanned: 3,
      container_files_scanned_size: 99,
    });
    expect(a).toEqual({
      kind: 'judged',
      outcome: 'malicious',
      verdict: {
        verdict: 'Malicious',
        threatType: 'VIRUS',
        fileType: 'EICARType',
        reasonRaw: 'why',
        description: 'bad',
        containerFiles: 3,
        containerBytes: 99,
      },
      claims: { size: 68, hash: HASH },
      scanId: 'c41e',
      engineMicros: 640,
    });
  });

  it.each([
    ['Benign', 'clean'],
    [' benign ', 'clean'],
    ['Malicious', 'malicious'],
    ['MALICIOUS', 'malicious'],
    ['Non Compliant', 'policy_blocked'],
    ['Non-Compliant', 'policy_blocked'],
    ['non_compliant', 'policy_blocked'],
    ['Unknown', 'inconclusive'],
    ['Unsupported File Type', 'unscannable/file_type_not_supported'],
    ['Encrypted', 'unscannable/encrypted_file'],
    ['Not Scanned', 'unscannable/other'],
    ['Scanning', 'scanner_protocol'],
    ['Probably Fine', 'inconclusive'],
    ['Benign?', 'inconclusive'],
    ['Timeout', 'inconclusive'],
    ['', 'scanner_protocol'],
    ['  ', 'scanner_protocol'],
  ])('maps the verdict %j to %s', (verdict, expected) => {
    expect(outcomeOf(answer({ verdict }))).toBe(expected);
  });

  it.each([
    ['Encrypted File', 'unscannable/encrypted_file'],
    ['ENCRYPTED_FILE', 'unscannable/encrypted_file'],
    ['File Size Too Large', 'unscannable/file_too_large'],
    ['file_type_not_supported', 'unscannable/file_type_not_supported'],
    ['Corrupted File', 'unscannable/corrupted_file'],
    ['Archive Nesting Limit', 'unscannable/archive_nesting_limit'],
    ['Archive Too Large', 'unscannable/archive_too_large'],
    ['archive size limit exceeded', 'unscannable/archive_too_large'],
    ['zip_bomb', 'unscannable/zip_bomb'],
    ['Scan Error', 'unscannable/scan_error'],
    ['Other: 23', 'unscannable/other'],
    ['', 'unscannable/other'],
    ['Scanner is initializing', 'scanner_starting'],
    ['system_initialising', 'scanner_starting'],
    ['Invalid protected entity', 'scanner_config'],
  ])('maps Not Scanned with the reason %j to %s', (reason, expected) => {
    expect(outcomeOf(answer({ verdict: 'Not Scanned', verdict_details: { reason } }))).toBe(expected);
  });

  it('keeps the raw reason beside the normalised one, bounded', () => {
    const a = answer({ verdict: 'Not Scanned', verdict_details: { reason: `Other: ${'9'.repeat(5000)}` } });
    expect(a.kind === 'judged' && a.verdict.reasonRaw?.length).toBe(300);
    expect(a.kind === 'judged' && a.verdict.reasonRaw?.startsWith('Other: 99')).toBe(true);
  });

  it.each([
    [null, null],
    [{ threat_type: { family: 1 } }, null],
    [
      { threat_type: 'SOMETHING_NEW', severity: 7 },
      { file_type: 3, file_size_in_bytes: 'many' },
    ],
    ['text', [1, 2]],
    [undefined, undefined],
  ])('never lets odd details hide a Malicious: %j %j', (verdict_details, file_info) => {
    expect(outcomeOf(answer({ verdict: 'Malicious', verdict_details, file_info, scan_guid: 5 }))).toBe('malicious');
  });

  it('accepts the nested variant', () => {
    const a = answer({
      verdict: 'Benign',
      details: { verdictDetails: { threatType: 'X' }, fileInfo: { fileHash: HASH, fileSizeInBytes: 7, fileType: 'T' } },
    });
    expect(a).toMatchObject({
      outcome: 'clean',
      claims: { hash: HASH, size: 7 },
      verdict: { threatType: 'X', fileType: 'T' },
    });
  });

  it('refuses an answer of the old API, unless it says Malicious', () => {
    const flat = { file_type: 'PEFileType', severity: 'LOW', file_hash: HASH, file_size_in_bytes: 5 };
    expect(outcomeOf(answer({ ...flat, verdict: 'Benign' }))).toBe('scanner_protocol');
    expect(answer({ ...flat, verdict: 'Malicious' })).toMatchObject({
      outcome: 'malicious',
      claims: { hash: HASH, size: 5 },
    });
  });

  it.each([
    [400, { verdict: 'Not Scanned', verdict_details: { reason: 'Invalid protected entity' } }, 'scanner_config'],
    [400, { verdict: 'Not Scanned', verdict_details: { reason: 'Encrypted File' } }, 'unscannable/encrypted_file'],
    [400, { verdict: 'Malicious' }, 'malicious'],
    [400, { verdict: 'Benign' }, 'scanner_protocol'],
    [400, { error: 'bad header' }, 'scanner_request'],
    [503, { verdict: 'Not Scanned', verdict_details: { reason: 'initializing' } }, 'scanner_starting'],
    [503, { verdict: 'Benign' }, 'scanner_busy'],
    [500, { verdict: 'Benign' }, 'scanner_transient'],
    [202, { verdict: 'Benign' }, 'scanner_protocol'],
    [206, { verdict: 'Benign' }, 'scanner_protocol'],
  ])('with status %i and %j: %s', (status, json, expected) => {
    expect(outcomeOf(answer(json, status))).toBe(expected);
  });

  it.each([
    [204, 'scanner_protocol'],
    [301, 'scanner_config'],
    [302, 'scanner_config'],
    [308, 'scanner_config'],
    [400, 'scanner_request'],
    [401, 'scanner_auth'],
    [403, 'scanner_auth'],
    [404, 'scanner_config'],
    [405, 'scanner_config'],
    [408, 'scanner_transient'],
    [411, 'scanner_request'],
    [413, 'unscannable/file_too_large'],
    [415, 'scanner_request'],
    [425, 'scanner_transient'],
    [429, 'scanner_busy'],
    [431, 'scanner_request'],
    [500, 'scanner_transient'],
    [502, 'scanner_busy'],
    [503, 'scanner_busy'],
    [504, 'scanner_busy'],
    [599, 'scanner_transient'],
  ])('with status %i and no JSON: %s', (status, expected) => {
    expect(outcomeOf(readAnswer(status, '<html>oops</html>'))).toBe(expected);
  });

  it.each(['', 'null', '[]', '"Benign"', '{"verdict":"Beni', '<html>Benign</html>', '{}', '{"verdict":["Benign"]}'])(
    'finds no verdict in %j',
    (body) => {
      expect(outcomeOf(readAnswer(200, body))).toBe('scanner_protocol');
    },
  );

  it('takes a byte order mark before the JSON', () => {
    expect(outcomeOf(readAnswer(200, '\ufeff{"verdict":"Benign"}'))).toBe('clean');
  });

  const verdicts = fc.oneof(
    fc.constantFrom(
      'Benign',
      'Malicious',
      'Not Scanned',
      'Scanning',
      'Non Compliant',
      'Unknown',
      'benign-ish',
      'Not Benign',
    ),
    fc.string(),
  );
  const anything = fc.record(
    {
      verdict: fc.oneof(verdicts, fc.jsonValue()),
      verdict_details: fc.oneof(fc.jsonValue(), fc.record({ reason: fc.string(), threat_type: fc.jsonValue() })),
      file_info: fc.oneof(fc.jsonValue(), fc.record({ file_hash: fc.string(), file_size_in_bytes: fc.jsonValue() })),
      details: fc.jsonValue(),
      severity: fc.jsonValue(),
      scan_guid: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const statuses = fc.oneof(fc.constant(200), fc.constant(400), fc.integer({ min: 100, max: 599 }));

  it('calls nothing clean but an explicit Benign with status 200', () => {
    fc.assert(
      fc.property(statuses, anything, (status, json) => {
        const a = readAnswer(status, JSON.stringify(json));
        if (a.kind !== 'judged' || a.outcome !== 'clean') return;
        expect(status).toBe(200);
        expect(String(json.verdict).trim().toLowerCase()).toBe('benign');
      }),
      { numRuns: 2000 },
    );
  });

  it('calls every Malicious with status 200 malicious, whatever stands beside it', () => {
    fc.assert(
      fc.property(anything, (json) => {
        expect(outcomeOf(readAnswer(200, JSON.stringify({ ...json, verdict: 'Malicious' })))).toBe('malicious');
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws, has a reason exactly for unscannable, and keeps all text bounded', () => {
    const long = fc.string({ maxLength: 2000 });
    fc.assert(
      fc.property(
        statuses,
        fc.oneof(
          fc.string(),
          fc.json(),
          long.map((reason) => JSON.stringify({ verdict: 'Not Scanned', verdict_details: { reason } })),
        ),
        (status, body) => {
          const a = readAnswer(status, body);
          if (a.kind === 'judged') {
            expect(a.reason !== undefined).toBe(a.outcome === 'unscannable');
            for (const v of Object.values(a.verdict))
              if (typeof v === 'string') expect(v.length).toBeLessThanOrEqual(300);
          } else {
            expect(a.detail.length).toBeLessThan(500);
          }
        },
      ),
    );
  });

  it('names a reason for any text in linear time', () => {
    const started = performance.now();
    expect(reasonOf(`archive ${'container '.repeat(100_000)}`)).toBe('other');
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
