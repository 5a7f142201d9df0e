import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Secret } from '../../config/secret.ts';
import { createWebhookSink } from '../../results/webhook.ts';
import { pair } from '../support/pem-files.ts';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const identity = pair();
let server: Server;
let url: string;
let status = 204;
let seen: { headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  server = createServer({ cert: identity.cert, key: identity.key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(status, status === 302 ? { location: `${url}/elsewhere` } : {}).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
});
beforeEach(() => {
  seen = [];
  status = 204;
});

function sink(more: object = {}, at = `${url}/hook`) {
  const options = {
    id: 'hook',
    send: 'all',
    url: at,
    secret: new Secret(SECRET),
    ca: Buffer.from(identity.cert),
    allowed: [{ kind: 'addresses', cidr: '127.0.0.1/32' }],
  } as const;
  return createWebhookSink({ ...options, ...more });
}

it('is signed as Standard Webhooks says, and a repeat has the same id', async () => {
  await sink().deliver('hook.job-1.1.0.0', [{ id: 'job-1/0-0:1' } as never]);
  await sink().deliver('hook.job-1.1.0.0', [{ id: 'job-1/0-0:1' } as never]);
  expect(seen).toHaveLength(2);
  for (const { headers, body } of seen) {
    expect(headers['webhook-id']).toBe('hook.job-1.1.0.0');
    const verified = new Webhook(SECRET).verify(body, headers as Record<string, string>);
    expect(verified).toMatchObject({ type: 'dsx.results', data: { results: [{ id: 'job-1/0-0:1' }] } });
  }
});

it.each([
  [500, 'sink_refused'],
  [401, 'sink_refused'],
  [302, 'sink_refused'],
  [410, 'sink_gone'],
])('takes %d for %s, and follows nothing', async (answer, code) => {
  status = answer;
  await expect(sink().deliver('b', [])).rejects.toMatchObject({ code });
  expect(seen).toHaveLength(1);
});

it('sends nothing to a server that it does not trust', async () => {
  await expect(sink({ ca: Buffer.from(pair().cert) }).deliver('b', [])).rejects.toMatchObject({
    code: 'sink_untrusted',
  });
  expect(seen).toEqual([]);
});

it('sends nothing to addresses that are not public, by number or by name', async () => {
  const { port } = new URL(url);
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1']) {
    const guarded = sink({ allowed: [] }, `https://${host}:${port}/`);
    await expect(guarded.deliver('b', []), host).rejects.toMatchObject({ code: 'sink_forbidden' });
  }
  expect(seen).toEqual([]);
});
