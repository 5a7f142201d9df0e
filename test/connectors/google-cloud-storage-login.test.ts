import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ConnectorError } from '../../connectors/errors.ts';
import type { Hidden } from '../../domain/hidden.ts';
import { type FakeGcs, startFakeGcs } from '../../scripts/servers/fake-gcs.ts';
import { type GcsStore, makeGcsStore } from './gcs-store.ts';

let gcs: FakeGcs;
beforeAll(async () => {
  gcs = await startFakeGcs();
}, 120_000);
afterAll(() => gcs.stop());

const signal = new AbortController().signal;
const hidden = (text: string): Hidden => ({ reveal: () => text });
let folder: string;
let store: GcsStore;
let logins: http.Server;
let answer: { status: number; body: unknown };
let asked: string[];

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'dsx-gcs-'));
  store = await makeGcsStore(gcs);
  asked = [];
  answer = { status: 200, body: { access_token: 'a-token', token_type: 'Bearer', expires_in: 3600 } };
  logins = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.once('end', () => {
      asked.push(body);
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => logins.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await store.close();
  logins.closeAllConnections();
  await new Promise((resolve) => logins.close(resolve));
  await fs.rm(folder, { recursive: true });
});

/** A workload identity federation: a token of somebody else's in a file, which Google's login takes for one of its own. */
async function federation(): Promise<string> {
  const file = path.join(folder, 'token');
  await fs.writeFile(file, 'their-token');
  return JSON.stringify({
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/one',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `http://127.0.0.1:${(logins.address() as AddressInfo).port}/v1/token`,
    credential_source: { file },
  });
}

async function failure(call: Promise<unknown>): Promise<ConnectorError> {
  return call.then(
    () => expect.unreachable('nothing was raised'),
    (error: ConnectorError) => error,
  );
}

test('without a login, an endpoint that is not Google is asked without one', async () => {
  await store.connector.fingerprint(signal);
  expect(store.front.requests[0]?.headers.authorization).toBeUndefined();
});

test('a workload identity federation, as credentials and as a file, logs in once', async () => {
  const credentials = await federation();
  const keyFile = path.join(folder, 'key.json');
  await fs.writeFile(keyFile, credentials);
  for (const login of [{ credentials: hidden(credentials) }, { keyFile }]) {
    const connector = store.withSettings(login);
    await Promise.all([1, 2, 3].map(() => connector.fingerprint(signal)));
    await connector.fingerprint(signal);
  }
  expect(asked).toHaveLength(2);
  expect(new URLSearchParams(asked[0]).get('subject_token')).toBe('their-token');
  const seen = new Set(store.front.requests.map(({ headers }) => headers.authorization));
  expect([...seen]).toEqual(['Bearer a-token']);
});

test('a login that is refused, or can not be reached', async () => {
  const credentials = hidden(await federation());
  answer = { status: 400, body: { error: 'invalid_grant', error_description: 'their-token has expired' } };
  const refused = await failure(store.withSettings({ credentials }).fingerprint(signal));
  expect(refused).toMatchObject({ code: 'credentials', message: expect.stringContaining('invalid_grant') });
  expect(refused.message).not.toContain('their-token');
  answer = { status: 503, body: {} };
  expect((await failure(store.withSettings({ credentials }).fingerprint(signal))).code).toBe('unreachable');
  logins.closeAllConnections();
  await new Promise((resolve) => logins.close(resolve));
  expect((await failure(store.withSettings({ credentials }).fingerprint(signal))).code).toBe('unreachable');
});

test('a login that does not answer ends with the call', async () => {
  logins.removeAllListeners('request');
  const connector = store.withSettings({ credentials: hidden(await federation()) });
  const stop = new AbortController();
  logins.once('request', () => stop.abort(new Error('stop')));
  await expect(connector.fingerprint(stop.signal)).rejects.toThrow('stop');
});

test('credentials that can not work never show what they hold', async () => {
  const keyFile = path.join(folder, 'key.json');
  await fs.writeFile(keyFile, 'hush');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  expect(() => store.withSettings({ credentials: hidden('hush') })).toThrow(
    expect.objectContaining({ code: 'configuration', message: expect.not.stringContaining('hush') }),
  );
  const missing = await failure(store.withSettings({ keyFile: path.join(folder, 'none') }).fingerprint(signal));
  expect(missing).toMatchObject({ code: 'configuration', message: expect.stringContaining(path.join(folder, 'none')) });
  const broken = await failure(store.withSettings({ keyFile }).fingerprint(signal));
  expect(broken.code).toBe('configuration');
  expect(JSON.stringify([broken.message, String(broken.cause)])).not.toContain('hush');
  const torn = JSON.stringify({ type: 'service_account', client_email: 'a@b', private_key: String(key).slice(0, 300) });
  const unusable = await failure(store.withSettings({ credentials: hidden(torn) }).fingerprint(signal));
  expect(unusable.code).toBe('credentials');
  expect(unusable.message).not.toContain(String(key).slice(40, 80));
});
