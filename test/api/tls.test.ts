import { writeFileSync } from 'node:fs';
import https from 'node:https';
import { connect } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, afterEach, expect, it } from 'vitest';
import { watchCertificate } from '../../api/certificate.ts';
import { createApiClient } from '../../api/client.ts';
import { serve, stopServing } from '../../api/server.ts';
import { apiFetch } from '../../cli/api-trust.ts';
import type { ApiTls } from '../../config/api.ts';
import { PemFolder, pair } from '../support/pem-files.ts';

const folder = new PemFolder();
const stops: (() => Promise<void>)[] = [];
afterAll(() => folder.remove());
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

const first = pair();
const second = pair();
const client = pair();

async function start(
  name: string,
  tls: Partial<ApiTls> = {},
): Promise<{ port: number; files: ApiTls; told: string[] }> {
  const files: ApiTls = { ...folder.pair(name, first), minVersion: '1.2', ...tls };
  const told: string[] = [];
  const log = { info: say, warn: say, error: say };
  function say(_facts: unknown, text?: string): void {
    told.push(String(text));
  }
  const { server, port } = await serve((_request, response) => response.end('{"name":"dsx-connect"}'), {
    host: '127.0.0.1',
    port: 0,
    tls: files,
  });
  watchCertificate(server, files, log as never, 20);
  stops.push(() => stopServing(server, 0));
  return { port, files, told };
}

function ask(port: number, options: ConnectionOptions & { ca: string }): Promise<{ protocol: string | null }> {
  return new Promise((resolve, reject) => {
    const request = https.get({ host: '127.0.0.1', port, agent: false, ...options }, (response) => {
      const { socket } = response as unknown as { socket: import('node:tls').TLSSocket };
      const protocol = socket.getProtocol();
      response.resume().on('end', () => resolve({ protocol }));
    });
    request.on('error', reject);
  });
}

it('speaks HTTPS to whoever trusts its authority, and to nobody below its lowest version', async () => {
  const { port } = await start('plain', { minVersion: '1.3' });
  expect(await ask(port, { ca: first.cert })).toEqual({ protocol: 'TLSv1.3' });
  await expect(ask(port, { ca: second.cert })).rejects.toThrow();
  await expect(ask(port, { ca: first.cert, maxVersion: 'TLSv1.2' })).rejects.toThrow();
});

it('lets in only callers with a certificate of its authorities', async () => {
  const { port } = await start('mutual', { clientCaFile: folder.write('clients.pem', client.cert) });
  await expect(ask(port, { ca: first.cert })).rejects.toThrow();
  await expect(ask(port, { ca: first.cert, cert: second.cert, key: second.key })).rejects.toThrow();
  await ask(port, { ca: first.cert, cert: client.cert, key: client.key });

  const { certFile, keyFile } = folder.pair('client', client);
  const env = {
    DSXCONNECT_API_CA_FILE: folder.write('api-ca.pem', first.cert),
    DSXCONNECT_API_CERT_FILE: certFile,
    DSXCONNECT_API_CERT_KEY_FILE: keyFile,
  };
  const dsx = createApiClient({ origin: `https://127.0.0.1:${port}`, fetch: apiFetch(env) });
  expect(await dsx.version()).toEqual({ name: 'dsx-connect' });
  const stranger = createApiClient({ origin: `https://127.0.0.1:${port}` });
  await expect(stranger.version()).rejects.toMatchObject({ code: 'unreachable' });
});

it('takes up a new certificate without a restart, and keeps the old one when the new one is of no use', async () => {
  const { port, files, told } = await start('renewed');
  await ask(port, { ca: first.cert });
  writeFileSync(files.keyFile, second.key);
  await expect.poll(() => told.some((text) => /can't be used, the old one stays/.test(text))).toBe(true);
  await ask(port, { ca: first.cert });
  writeFileSync(files.certFile, second.cert);
  await expect.poll(() => told.includes('the API has taken up its new certificate')).toBe(true);
  await ask(port, { ca: second.cert });
  await expect(ask(port, { ca: first.cert })).rejects.toThrow();
});

it('warns when its certificate ends soon', async () => {
  const ending = folder.pair('ending', pair(20));
  const { told } = await start('unused', ending);
  expect(told).toEqual(['the certificate of the API ends soon']);
});

it('cuts off who connects and agrees on nothing', async () => {
  const tls: ApiTls = { ...folder.pair('silent', first), minVersion: '1.2' };
  const { server, port } = await serve((_, response) => response.end(), {
    host: '127.0.0.1',
    port: 0,
    tls,
    headersMs: 300,
  });
  stops.push(() => stopServing(server, 0));
  const silent = connect(port, '127.0.0.1').on('error', () => undefined);
  await new Promise((resolve) => silent.resume().once('close', resolve));
});
