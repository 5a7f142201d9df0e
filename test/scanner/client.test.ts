import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createScanner } from '../../scanner/client.ts';
import { EICAR } from '../../scanner/standin/eicar.ts';
import { calm, chunks, failureOf, pair, scannerAt, scanText } from './support.ts';

const TOKEN = 'tok-3f9c1e';

describe('a scan', () => {
  it('tells clean, with whose bytes and by whom', async () => {
    const { scanner } = await pair();
    const judgement = await scanText(scanner, 'hello');
    expect(judgement).toMatchObject({
      outcome: 'clean',
      bytes: 5,
      sha256: createHash('sha256').update('hello').digest('hex'),
      verdict: { verdict: 'Benign', fileType: 'TextFileType' },
      scanner: { name: 'test', standIn: true },
    });
    expect(judgement.partial).toBeUndefined();
    expect(judgement.scanner.scanId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('tells malicious', async () => {
    const { scanner } = await pair();
    expect(await scanText(scanner, EICAR)).toMatchObject({
      outcome: 'malicious',
      verdict: { fileType: 'EICARType', threatType: 'VIRUS' },
    });
  });

  it('takes an empty item', async () => {
    const { scanner, standin } = await pair();
    expect(await scanner.scan({ size: 0, body: chunks() }, calm)).toMatchObject({ outcome: 'clean', bytes: 0 });
    expect(standin.requests()).toMatchObject([{ bytes: 0, status: 200 }]);
  });

  it('takes a small body in many chunks, each only valid until the next', async () => {
    const { scanner } = await pair();
    const { outcome, sha256 } = await scanner.scan({ size: 6, body: chunks('a', '', 'bc', 'def') }, calm);
    expect([outcome, sha256]).toEqual(['clean', createHash('sha256').update('abcdef').digest('hex')]);
  });

  it('sends the token in both headers, the length, and nothing that was not set', async () => {
    const { scanner, standin } = await pair({ token: TOKEN, tokenIn: 'both' }, { token: TOKEN });
    await scanText(scanner, 'hello', { metadata: { job: 'j1' } });
    const [seen] = standin.requests();
    expect(seen).toMatchObject({ auth: 'AUTH+AUTH_TOKEN', path: '/scan/binary/v2', bytes: 5 });
    expect(seen).not.toHaveProperty('entity');
    expect(seen).not.toHaveProperty('metadata');
    expect(seen).not.toHaveProperty('chunked');
    expect(JSON.stringify(standin.requests())).not.toContain(TOKEN);
  });

  it('gets in by AUTH alone where a proxy drops names with an underscore', async () => {
    const { scanner } = await pair({ token: TOKEN, dropUnderscores: true }, { token: TOKEN });
    expect((await scanText(scanner, 'hello')).outcome).toBe('clean');
  });

  it('sends the protected entity when set', async () => {
    const { scanner, standin } = await pair({ entities: [7] }, { protectedEntity: 7 });
    await scanText(scanner, 'hello');
    expect(standin.requests()).toMatchObject([{ entity: '7' }]);
  });

  it('encodes and caps metadata', async () => {
    const { scanner, standin } = await pair({}, { metadata: true });
    await scanText(scanner, 'x', { metadata: { object: 'a,b:c\r\nÜ\ud800', long: 'y'.repeat(3000), job: 'j1' } });
    expect(standin.requests()[0]?.metadata).toBe('object:a%2Cb%3Ac%0D%0A%C3%9C%EF%BF%BD,job:j1');
  });

  it('takes a URL with the path of the endpoint', async () => {
    const { standin } = await pair();
    const scanner = scannerAt(`${standin.url}/scan/binary/v2`);
    expect((await scanText(scanner, 'x')).outcome).toBe('clean');
  });

  it('reuses connections', async () => {
    const { scanner, standin } = await pair();
    for (let i = 0; i < 20; i += 1) await scanText(scanner, `x${i}`);
    expect(standin.stats().connections).toBeLessThanOrEqual(2);
  });
});

describe('many scans', () => {
  it('leave one listener on the signal that they share', async () => {
    const { scanner } = await pair();
    const { signal } = new AbortController();
    const data = Buffer.from('x');
    await Promise.all(Array.from({ length: 300 }, () => scanner.scan({ size: 1, body: chunks(data) }, signal)));
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
  });

  it('keep their connection at a server that closes idle ones after 2 s and says so', async () => {
    let connections = 0;
    const server = createHttpServer({ keepAliveTimeout: 2_000 }, (request, response) => {
      request.resume().on('end', () => response.end('{"verdict":"Benign"}'));
    });
    server.on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    const scanner = scannerAt(`http://127.0.0.1:${(server.address() as { port: number }).port}`, {
      allowStandIn: false,
    });
    for (let i = 0; i < 10; i += 1) {
      expect(await scanText(scanner, 'x')).toMatchObject({ outcome: 'clean', scanner: { standIn: false } });
      await turn();
    }
    expect(connections).toBeLessThanOrEqual(2);
  });
});

/** Every row of the table of answers that is the item's own: script, code, whether an item above counts as overload. */
const ITEM_ROWS: readonly (readonly [string, string])[] = [
  ['400', 'scanner_request'],
  ['411', 'scanner_request'],
  ['415', 'scanner_request'],
  ['431', 'scanner_request'],
  ['408', 'scanner_transient'],
  ['425', 'scanner_transient'],
  ['500', 'scanner_transient'],
  ['429', 'scanner_busy'],
  ['502', 'scanner_busy'],
  ['503', 'scanner_busy'],
  ['504', 'scanner_busy'],
  ['204', 'scanner_protocol'],
  ['html', 'scanner_protocol'],
  ['empty', 'scanner_protocol'],
  ['truncated-json', 'scanner_protocol'],
  ['oversize', 'scanner_protocol'],
  ['no-verdict', 'scanner_protocol'],
  ['scanning', 'scanner_protocol'],
  ['legacy', 'scanner_protocol'],
  ['wrong-hash', 'scanner_mismatch'],
  ['wrong-size', 'scanner_mismatch'],
  ['reset-before', 'scanner_dropped'],
  ['reset-mid-body', 'scanner_dropped'],
  ['reset', 'scanner_dropped'],
  ['reset-after-headers', 'scanner_dropped'],
];

/** Rows about the scanner: a probe has to fail as well. */
const GATE_ROWS: readonly (readonly [string, string])[] = [
  ['401', 'scanner_auth'],
  ['403', 'scanner_auth'],
  ['404', 'scanner_config'],
  ['405', 'scanner_config'],
  ['301', 'scanner_config'],
  ['302', 'scanner_config'],
  ['308', 'scanner_config'],
  ['bad-entity', 'scanner_config'],
  ['initializing', 'scanner_starting'],
];

const OUTCOME_ROWS: readonly (readonly [string, string, string | undefined])[] = [
  ['413', 'unscannable', 'file_too_large'],
  ['not-scanned status=400 reason=Encrypted%20File', 'unscannable', 'encrypted_file'],
  ['not-scanned reason=Other:%2023', 'unscannable', 'other'],
  ['unknown-verdict', 'inconclusive', undefined],
  ['verdict is=Unknown', 'inconclusive', undefined],
  ['verdict is=Non%20Compliant', 'policy_blocked', undefined],
  ['nested', 'clean', undefined],
  ['no-guid', 'clean', undefined],
];

describe('every answer', () => {
  it.each(ITEM_ROWS)('%s is %s', async (fault, code) => {
    const { scanner, standin } = await pair({ faults: [fault] });
    expect((await failureOf(scanText(scanner, 'hello'))).code).toBe(code);
    expect(standin.requests()).toHaveLength(1);
    expect((await scanText(scanner, 'hello')).outcome).toBe('clean');
  });

  it.each(GATE_ROWS)('%s is %s and closes the gate', async (fault, code) => {
    const { scanner } = await pair({ faults: [`${fault} times=2`] });
    expect((await failureOf(scanText(scanner, 'hello'))).code).toBe(code);
    expect(scanner.state().gate?.code).toBe(code);
  });

  it.each(OUTCOME_ROWS)('%s is %s %s', async (fault, outcome, reason) => {
    const { scanner } = await pair({ faults: [fault] });
    const judgement = await scanText(scanner, 'hello');
    expect([judgement.outcome, judgement.reason]).toEqual([outcome, reason]);
  });

  it.each(['null-details', 'unknown-threat', 'nested', 'no-guid', 'legacy'])(
    '%s leaves a Malicious malicious',
    async (fault) => {
      const { scanner } = await pair({ faults: [fault] });
      expect((await scanText(scanner, EICAR)).outcome).toBe('malicious');
    },
  );

  it('a Malicious for other bytes than those sent is no verdict', async () => {
    const { scanner } = await pair({ faults: ['wrong-hash'] });
    expect((await failureOf(scanText(scanner, EICAR))).code).toBe('scanner_mismatch');
  });

  it('follows no redirect', async () => {
    const other = await pair();
    const { scanner } = await pair(
      { faults: [`307 location=${other.standin.url}/scan/binary/v2 times=2`], token: TOKEN },
      { token: TOKEN },
    );
    await failureOf(scanText(scanner, 'hello'));
    expect(other.standin.stats().connections).toBe(0);
  });

  it('brings Retry-After along, in seconds or as a date, at most 60 s', async () => {
    const date = encodeURIComponent(new Date(Date.now() + 30_000).toUTCString());
    const { scanner } = await pair({ faults: ['429 retry-after=1'] });
    const first = await failureOf(scanText(scanner, 'a'));
    expect(first).toMatchObject({ code: 'scanner_busy', retryAfterMs: 1_000, status: 429 });
    const dated = await pair({ faults: [`503 retry-after=${date}`] });
    const second = await failureOf(scanText(dated.scanner, 'a'));
    expect(second.retryAfterMs).toBeGreaterThan(25_000);
    expect(second.retryAfterMs).toBeLessThanOrEqual(30_000);
    const long = await pair({ faults: ['503 retry-after=86400'] });
    expect((await failureOf(scanText(long.scanner, 'a'))).retryAfterMs).toBe(60_000);
  });

  it('gives no slot for as long as Retry-After says', async () => {
    const { scanner, standin } = await pair({ faults: ['429 retry-after=1'] });
    await failureOf(scanText(scanner, 'a'));
    const before = performance.now();
    expect((await scanText(scanner, 'b')).outcome).toBe('clean');
    expect(performance.now() - before).toBeGreaterThan(900);
    expect(standin.requests()).toHaveLength(2);
  });

  it('halves the limit on refusals and timeouts', async () => {
    const busy = await pair({ faults: ['503'] });
    await failureOf(scanText(busy.scanner, 'a'));
    expect(busy.scanner.state()).toMatchObject({ limit: 4, inFlight: 0, bytesInFlight: 0 });
    const silent = await pair({ faults: ['hang'] }, { headersTimeoutMs: 50 });
    await failureOf(scanText(silent.scanner, 'a'));
    expect(silent.scanner.state().limit).toBe(4);
    const odd = await pair({ faults: ['500'] });
    await failureOf(scanText(odd.scanner, 'a'));
    expect(odd.scanner.state().limit).toBe(8);
  });

  it('drops metadata after a 431 that they may have caused', async () => {
    const { scanner, standin } = await pair({ faults: ['431'] }, { metadata: true });
    const metadata = { job: 'j1' };
    expect((await failureOf(scanText(scanner, 'a', { metadata }))).code).toBe('scanner_transient');
    expect((await scanText(scanner, 'a', { metadata })).outcome).toBe('clean');
    expect(standin.requests().map((r) => r.metadata)).toEqual(['job:j1', undefined]);
  });
});

/** The pool takes a connection back only in the turn after its answer. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('connections', () => {
  it('sends a small body again when the server had just closed the idle connection', async () => {
    const { scanner, standin } = await pair({ faults: ['close-idle'] });
    await scanText(scanner, 'first');
    await turn();
    expect((await scanText(scanner, 'second')).outcome).toBe('clean');
    expect(standin.stats().connections).toBe(2);
  });

  it('sends it only once more', async () => {
    const { scanner, standin } = await pair({ faults: ['ok', 'reset', 'reset', 'reset'] });
    await scanText(scanner, 'first');
    await turn();
    expect((await failureOf(scanText(scanner, 'second'))).code).toBe('scanner_dropped');
    expect(standin.requests()).toHaveLength(3);
  });

  it('does not send again what a fresh connection lost', async () => {
    const { scanner, standin } = await pair({ faults: ['reset', 'reset'] });
    expect((await failureOf(scanText(scanner, 'first'))).code).toBe('scanner_dropped');
    expect(standin.requests()).toHaveLength(1);
  });

  it('says unreachable when nobody listens', async () => {
    const { standin, scanner } = await pair();
    await standin.stop();
    const failure = await failureOf(scanText(scanner, 'x'));
    expect(failure.code).toBe('scanner_unreachable');
    expect(failure.message).toContain('ECONNREFUSED');
    expect(scanner.state().gate?.code).toBe('scanner_unreachable');
  });

  it('says unreachable for a name that does not exist', async () => {
    const scanner = scannerAt('http://no-such-host.invalid:5000');
    expect((await failureOf(scanText(scanner, 'x'))).code).toBe('scanner_unreachable');
  });

  it('says protocol when what answers does not speak HTTP', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write('220 mail.example ESMTP\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const scanner = scannerAt(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
    expect((await failureOf(scanText(scanner, 'x'))).code).toBe('scanner_protocol');
  });

  it('says config for plain HTTP where TLS is expected', async () => {
    const { standin } = await pair();
    const scanner = scannerAt(standin.url.replace('http:', 'https:'));
    expect((await failureOf(scanText(scanner, 'x'))).code).toBe('scanner_config');
  });
});

describe('stand-ins', () => {
  it('are refused where they are not allowed, even if they say Benign', async () => {
    const { standin } = await pair();
    const scanner = scannerAt(standin.url, { allowStandIn: false });
    const failure = await failureOf(scanText(scanner, 'x'));
    expect(failure.code).toBe('scanner_config');
    expect(failure.message).toContain('stand-in');
    expect(scanner.state().gate?.code).toBe('scanner_config');
  });

  it('are told by nothing else than what they say of themselves', async () => {
    const { standin } = await pair({ faults: ['impostor'] });
    const scanner = scannerAt(standin.url, { allowStandIn: false });
    expect((await scanText(scanner, 'x')).scanner.standIn).toBe(false);
  });
});

describe('secrets', () => {
  it('are in no error, wherever it came from', async () => {
    const faults = [...ITEM_ROWS.map(([f]) => f), '401', '401', 'html'];
    const { scanner, standin } = await pair({ faults }, { token: TOKEN });
    for (let i = 0; i < faults.length - 2; i += 1) {
      const failure = await failureOf(scanText(scanner, 'body-with-secret'));
      expect(everythingIn(failure)).not.toContain(TOKEN);
      expect(everythingIn(failure)).not.toContain('body-with-secret');
    }
    await standin.stop();
    expect(everythingIn(await failureOf(scanText(scanner, 'x')))).not.toContain(TOKEN);
    expect(JSON.stringify(await scanner.probe(calm))).not.toContain(TOKEN);
    expect(JSON.stringify(scanner.state())).not.toContain(TOKEN);
  });

  function everythingIn(error: unknown, depth = 0): string {
    if (!(error instanceof Error) || depth > 5) return String(error);
    return `${error.stack} ${JSON.stringify(error)} ${everythingIn(error.cause, depth + 1)}`;
  }
});

describe('settings', () => {
  const good = { name: 'dsxa', url: 'http://127.0.0.1:5000', allowStandIn: false };

  it.each([
    [{ url: 'scanner:5000' }, 'url'],
    [{ url: '' }, 'url'],
    [{ url: 'ftp://x' }, 'url'],
    [{ url: 'http://user:hunter2@x' }, 'url'],
    [{ token: 'hunter2\n' }, 'token'],
    [{ token: 'hünter2' }, 'token'],
    [{ maxBytes: 0 }, 'maxBytes'],
    [{ maxConcurrency: 1.5 }, 'maxConcurrency'],
    [{ maxBytesInFlight: Number.NaN }, 'maxBytesInFlight'],
    [{ protectedEntity: -1 }, 'protectedEntity'],
    [{ caFile: '/nowhere/ca.pem' }, 'caFile'],
  ])('refuses %j and names %s, never its secrets', (wrong, setting) => {
    let message = '';
    try {
      createScanner({ ...good, ...wrong });
    } catch (error) {
      expect(error).toMatchObject({ code: 'scanner_config' });
      message = (error as Error).message;
    }
    expect(message).toContain(setting);
    expect(message).toContain('dsxa');
    expect(message).not.toContain('hunter2');
    expect(message).not.toContain('hünter2');
  });
});
