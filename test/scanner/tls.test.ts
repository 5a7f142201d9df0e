import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { calm, failureOf, pair, scannerAt, scanText } from './support.ts';
import { TEST_CERT, TEST_KEY } from './tls-fixture.ts';

const tls = { key: TEST_KEY, cert: TEST_CERT };

describe('TLS', () => {
  it('does not trust a certificate that nobody vouches for', async () => {
    const { scanner, standin } = await pair({ tls });
    const failure = await failureOf(scanText(scanner, 'x'));
    expect([failure.code, failure.message]).toEqual([
      'scanner_config',
      expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
    ]);
    expect(standin.requests()).toEqual([]);
  });

  it('trusts the one that the settings name, as text or as a file', async () => {
    const { scanner, standin } = await pair({ tls }, { ca: TEST_CERT });
    expect((await scanText(scanner, 'x')).outcome).toBe('clean');
    const folder = mkdtempSync(join(tmpdir(), 'scanner-ca-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, TEST_CERT);
    expect((await scanText(scannerAt(standin.url, { caFile }), 'x')).outcome).toBe('clean');
  });

  it('asks whoever answers only when it is told not to look', async () => {
    const { standin } = await pair({ tls });
    const { outcome } = await scanText(scannerAt(standin.url, { verifyTls: false }), 'x');
    expect(outcome).toBe('clean');
  });

  it('refuses a certificate for another name', async () => {
    const { standin } = await pair({ tls });
    const failure = await failureOf(scanText(scannerAt(`https://localhost:${standin.port}`, { ca: TEST_CERT }), 'x'));
    expect([failure.code, failure.message]).toEqual([
      'scanner_config',
      expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    ]);
    expect(standin.requests()).toEqual([]);
  });

  it('streams large bodies', async () => {
    const { scanner } = await pair({ tls }, { ca: TEST_CERT });
    const size = 5 * 2 ** 20 + 3;
    async function* body(): AsyncGenerator<Uint8Array> {
      const buffer = Buffer.alloc(100_000);
      for (let at = 0; at < size; at += buffer.length) {
        buffer.fill(at % 251);
        yield buffer.subarray(0, Math.min(buffer.length, size - at));
      }
    }
    expect(await scanner.scan({ size, body: body() }, calm)).toMatchObject({ outcome: 'clean', bytes: size });
  });
});
