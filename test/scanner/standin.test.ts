import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EICAR } from '../../scanner/standin/eicar.ts';
import { inspect } from '../../scanner/standin/engine.ts';
import { optionsFromEnv } from '../../scanner/standin/options.ts';
import type { SeenRequest } from '../../scanner/standin/request-log.ts';
import { startStandin } from '../../scanner/standin/server.ts';
import { calm, failureOf, pair, pattern, scannerAt, scanText } from './support.ts';
import { makeZip } from './zip-maker.ts';

const MAIN = new URL('../../scanner/standin/main.ts', import.meta.url).pathname;
const text = Buffer.from('just some words');

describe('the engine', () => {
  const deep = (levels: number, data: Buffer): Buffer =>
    levels === 0 ? data : makeZip([{ name: 'in.zip', data: deep(levels - 1, data) }]);

  it.each<[string, Buffer, string, string | undefined, string]>([
    ['text', text, 'clean', undefined, 'TextFileType'],
    ['EICAR', EICAR, 'malicious', undefined, 'EICARType'],
    ['EICAR and a newline', Buffer.concat([EICAR, Buffer.from('\r\n')]), 'malicious', undefined, 'EICARType'],
    ['EICAR and a word', Buffer.concat([EICAR, Buffer.from(' x')]), 'clean', undefined, 'TextFileType'],
    ['EICAR after a word', Buffer.concat([Buffer.from('x'), EICAR]), 'clean', undefined, 'TextFileType'],
    ['EICAR and 100 spaces', Buffer.concat([EICAR, Buffer.alloc(100, ' ')]), 'clean', undefined, 'TextFileType'],
    ['a zip', makeZip([{ name: 'a', data: text }]), 'clean', undefined, 'ZIPFileType'],
    ['an empty zip', makeZip([]), 'clean', undefined, 'ZIPFileType'],
    [
      'a zip with EICAR',
      makeZip([
        { name: 'a', data: text },
        { name: 'b', data: EICAR },
      ]),
      'malicious',
      undefined,
      'ZIPFileType',
    ],
    [
      'a zip with EICAR stored',
      makeZip([{ name: 'b', data: EICAR, stored: true }]),
      'malicious',
      undefined,
      'ZIPFileType',
    ],
    ['EICAR three zips deep', deep(3, EICAR), 'malicious', undefined, 'ZIPFileType'],
    ['four zips deep', deep(4, EICAR), 'unscannable', 'archive_nesting_limit', 'ZIPFileType'],
    [
      'an encrypted zip',
      makeZip([{ name: 'b', data: EICAR, encrypted: true }]),
      'unscannable',
      'encrypted_file',
      'ZIPFileType',
    ],
    ['a document', makeZip([{ name: '[Content_Types].xml', data: text }]), 'clean', undefined, 'OOXMLFileType'],
    [
      'half a zip',
      makeZip([{ name: 'a', data: text }]).subarray(0, 40),
      'unscannable',
      'corrupted_file',
      'ZIPFileType',
    ],
    ['a bomb', makeZip([{ name: 'a', data: Buffer.alloc(20 * 2 ** 20) }]), 'unscannable', 'zip_bomb', 'ZIPFileType'],
    ['a PDF', Buffer.from('%PDF-1.7 ...'), 'clean', undefined, 'PDFFileType'],
    ['an encrypted PDF', Buffer.from('%PDF-1.7 /Encrypt 4 0 R'), 'unscannable', 'encrypted_file', 'PDFFileType'],
    ['a program', Buffer.from('MZ\x90\x00\x03', 'latin1'), 'clean', undefined, 'PEFileType'],
    ['rubbish', Buffer.from([0, 1, 2, 3]), 'clean', undefined, 'Unknown'],
  ])('%s', async (_, data, outcome, reason, fileType) => {
    const { scanner } = await pair();
    const judgement = await scanText(scanner, data);
    expect([judgement.outcome, judgement.reason, judgement.verdict.fileType]).toEqual([outcome, reason, fileType]);
  });

  it('takes hashes, patterns, and types that are blocked or not supported', async () => {
    const { scanner } = await pair({
      badHashes: [createHash('sha256').update('one').digest('hex').toUpperCase()],
      badPatterns: ['needle'],
      blockedTypes: ['PEFileType'],
      unsupportedTypes: ['Unknown'],
    });
    const outcomeOf = async (data: string | Buffer): Promise<string> => (await scanText(scanner, data)).outcome;
    expect(await outcomeOf('one')).toBe('malicious');
    expect(await outcomeOf('a needle in hay')).toBe('malicious');
    expect(await outcomeOf(makeZip([{ name: 'x', data: Buffer.from('needle') }]))).toBe('malicious');
    expect(await outcomeOf('MZ..')).toBe('policy_blocked');
    expect(await outcomeOf(Buffer.alloc(8))).toBe('unscannable');
    expect(await outcomeOf('two')).toBe('clean');
  });

  it('finds a pattern across the chunks of a body that it does not keep', async () => {
    const { scanner } = await pair({ badPatterns: ['needle'] });
    const size = 24 * 2 ** 20;
    async function* hay(): AsyncGenerator<Uint8Array> {
      const data = Buffer.alloc(size, '.');
      data.write('needle', 12 * 2 ** 20 - 3);
      for (let at = 0; at < size; at += 2 ** 20) yield data.subarray(at, at + 2 ** 20);
    }
    expect((await scanner.scan({ size, body: hay() }, calm)).outcome).toBe('malicious');
    expect((await scanner.scan({ size, body: pattern(size) }, calm)).outcome).toBe('clean');
  });

  it('survives any damage to a zip', () => {
    const rules = {
      badHashes: new Set<string>(),
      badPatterns: [],
      blockedTypes: new Set<string>(),
      unsupportedTypes: new Set<string>(),
    };
    const zip = makeZip([
      { name: 'a', data: text },
      { name: 'b', data: makeZip([{ name: 'c', data: EICAR }]) },
    ]);
    const damage = fc.array(fc.tuple(fc.nat(zip.length - 1), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(damage, fc.integer({ min: 0, max: zip.length }), (hits, length) => {
        const data = Buffer.from(zip.subarray(0, length));
        for (const [at, value] of hits) if (at < data.length) data[at] = value;
        const finding = inspect(rules, { data, whole: true, sha256: '', patternFound: false });
        if (data.equals(zip)) expect(finding.verdict).toBe('Malicious');
      }),
      { numRuns: 1_000 },
    );
  });

  it('is not taken for a test file by those who read this repository', () => {
    for (const file of ['eicar.ts', 'engine.ts', 'server.ts', 'README.md']) {
      const path = new URL(`../../scanner/standin/${file}`, import.meta.url);
      expect(readFileSync(path).includes(EICAR)).toBe(false);
    }
  });
});

describe('the knobs', () => {
  it('is on loopback unless told otherwise', async () => {
    const standin = await startStandin();
    onTestFinished(() => standin.stop());
    expect(standin.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('has workers and a queue: above them 503', async () => {
    const { standin, scanner } = await pair({ workers: 2, queue: 1, latencyMs: 100 });
    const all = await Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map((t) => scanText(scanner, t)));
    const failed = all.filter((r) => r.status === 'rejected').map((r) => r.reason.code);
    expect(failed).toEqual(['scanner_busy', 'scanner_busy']);
    expect(standin.stats().mostInFlight).toBeGreaterThanOrEqual(3);
  });

  it('tells its scan time, so that queueing can be told from scanning', async () => {
    const { scanner } = await pair({ latencyMs: 20 });
    expect((await scanText(scanner, 'a')).scanner.engineMicros).toBe(20_000);
  });

  it('refuses entities that it does not know', async () => {
    const { scanner } = await pair({ entities: [1] }, { protectedEntity: 2 });
    expect((await failureOf(scanText(scanner, 'a'))).code).toBe('scanner_config');
  });

  it('refuses a chunked body if it must know the length', async () => {
    const { scanner } = await pair({ requireLength: true });
    expect((await failureOf(scanner.scan({ size: undefined, body: pattern(10) }, calm))).code).toBe('scanner_request');
    expect((await scanText(scanner, 'a')).outcome).toBe('clean');
  });

  it('speaks JSON over its own control plane', async () => {
    const { standin, scanner } = await pair();
    const put = (path: string, body: unknown): Promise<Response> =>
      fetch(`${standin.url}/_standin/${path}`, { method: 'PUT', body: JSON.stringify(body) });
    expect((await put('faults', ['500'])).status).toBe(200);
    expect((await failureOf(scanText(scanner, 'a'))).code).toBe('scanner_transient');
    expect((await put('config', { maxBytes: 3 })).status).toBe(200);
    expect((await scanText(scanner, 'abcd')).reason).toBe('file_too_large');
    expect((await put('config', { maxBytes: null })).status).toBe(200);
    expect((await scanText(scanner, 'abcd')).outcome).toBe('clean');
    const seen = (await (await fetch(`${standin.url}/_standin/requests`)).json()) as SeenRequest[];
    expect(seen.map((r) => r.status)).toEqual([500, 413, 200]);
    const stats = (await (await fetch(`${standin.url}/_standin/stats`)).json()) as { scans: number };
    expect(stats.scans).toBe(3);
    expect((await put('faults', ['no-such-fault'])).status).toBe(400);
    expect((await put('faults', 'x')).status).toBe(400);
    expect((await put('config', { port: 1 })).status).toBe(400);
    expect((await put('nothing', {})).status).toBe(404);
    expect((await fetch(`${standin.url}/_standin/reset`, { method: 'POST' })).status).toBe(200);
    expect(standin.requests()).toEqual([]);
  });

  it('answers 404 and 405 elsewhere, as DSXA has no health page', async () => {
    const { standin } = await pair();
    expect((await fetch(`${standin.url}/`)).status).toBe(404);
    expect((await fetch(`${standin.url}/scan/binary/v2`)).status).toBe(405);
  });

  it('takes base64', async () => {
    const { standin } = await pair();
    const answer = await fetch(`${standin.url}/scan/base64/v2`, { method: 'POST', body: EICAR.toString('base64') });
    expect(await answer.json()).toMatchObject({ verdict: 'Malicious', file_info: { file_size_in_bytes: 68 } });
  });

  it('reads its environment, and names the variable that is wrong', () => {
    expect(optionsFromEnv({ STANDIN_PORT: '81', STANDIN_FAULTS: '500, ok', STANDIN_TOKEN: '' })).toEqual({
      port: 81,
      faults: ['500', 'ok'],
    });
    expect(() => optionsFromEnv({ STANDIN_WORKERS: 'many' })).toThrow('STANDIN_WORKERS');
  });
});

describe('the request log', () => {
  function logFile(): string {
    const folder = mkdtempSync(join(tmpdir(), 'standin-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return join(folder, 'requests.ndjson');
  }

  const read = (file: string): SeenRequest[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as SeenRequest);

  it('has every request, with what was sent and what was answered', async () => {
    const requestLog = logFile();
    const { scanner } = await pair(
      { requestLog, token: 's3cret', faults: ['ok', '500', 'reset times=2'] },
      { token: 's3cret', metadata: true },
    );
    await scanText(scanner, 'one', { metadata: { item: '7' } });
    await failureOf(scanText(scanner, 'two'));
    await failureOf(scanText(scanner, 'three'));
    const seen = read(requestLog);
    expect(seen).toMatchObject([
      {
        bytes: 3,
        sha256: createHash('sha256').update('one').digest('hex'),
        metadata: 'item:7',
        verdict: 'Benign',
        status: 200,
      },
      { bytes: 3, status: 500, fault: '500' },
      ...Array(seen.length - 2).fill({ bytes: 5, status: 0, fault: 'reset' }),
    ]);
    expect([3, 4]).toContain(seen.length);
    for (const r of seen) expect(r.answered).toBeGreaterThanOrEqual(r.received);
    expect(readFileSync(requestLog, 'utf8')).not.toContain('s3cret');
  });

  it('has every answer that ever went out, even after SIGKILL', async () => {
    const requestLog = logFile();
    const child = fork(MAIN, {
      env: { ...process.env, STANDIN_REQUEST_LOG: requestLog },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [ready] = (await once(child, 'message')) as [{ type: string; url: string }];
    const scanner = scannerAt(ready.url);
    let answers = 0;
    const runners = Array.from({ length: 16 }, async (_, i) => {
      for (let n = 0; ; n += 1) {
        await scanText(scanner, `${i}-${n}`);
        answers += 1;
        if (answers === 500) child.kill('SIGKILL');
      }
    });
    const exited = once(child, 'exit');
    await Promise.allSettled(runners);
    await exited;
    const logged = read(requestLog).filter((r) => r.status === 200).length;
    expect(answers).toBeGreaterThanOrEqual(500);
    expect(logged).toBeGreaterThanOrEqual(answers);
  });
});

describe('the process', () => {
  function start(env: Record<string, string>) {
    const child = fork(MAIN, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout?.on('data', (d) => (output += d));
    child.stderr?.on('data', (d) => (output += d));
    return { child, exited: once(child, 'close') as Promise<[number | null]>, output: () => output };
  }

  it('says what it is, tells its port, and ends well on SIGTERM', async () => {
    const { child, exited, output } = start({});
    const [ready] = (await once(child, 'message')) as [{ type: string; port: number }];
    expect(ready).toMatchObject({ type: 'ready', port: expect.any(Number) });
    child.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
    expect(output()).toMatch(/no malware scanner/);
  });

  it('ends when its parent lets go', async () => {
    const { child } = start({});
    await once(child, 'message');
    const exited = once(child, 'exit');
    child.disconnect();
    expect((await exited)[0]).toBe(0);
  });

  it('names a setting that is wrong', async () => {
    const { exited, output } = start({ STANDIN_PORT: 'http' });
    expect((await exited)[0]).toBe(2);
    expect(output()).toContain('STANDIN_PORT');
  });

  it('names a port that is taken', async () => {
    const standin = await startStandin();
    onTestFinished(() => standin.stop());
    const { exited, output } = start({ STANDIN_PORT: String(standin.port) });
    expect((await exited)[0]).toBe(1);
    expect(output()).toContain(String(standin.port));
  });
});
