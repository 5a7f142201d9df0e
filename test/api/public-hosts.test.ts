import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_PREFIX } from '../../api/contract.ts';
import { type Door, signedHeaders, startDoor } from '../intake/support.ts';

const SECRET = Buffer.alloc(32, 1).toString('base64');
const BODY = '{"location":"a"}';
const connector = {
  id: 'share',
  kind: 'filesystem',
  asset: '/srv',
  watch: { webhook: [{ source: 'signed', secret: SECRET }] },
};

let door: Door;
let locked: Door;
beforeAll(async () => {
  const publicHosts = ['dsx.example.com', 'hooks.example.com:8443'];
  door = await startDoor(connector, { settings: { publicHosts } });
  locked = await startDoor(connector, { settings: { loopback: false, key: 'key-0123456789abcdef' } });
});
afterAll(async () => {
  await door.stop();
  await locked.stop();
});

let id = 0;
function post(at: Door, host: string, path: string, more: Record<string, string> = {}): Promise<number> {
  id += 1;
  const headers = { host, ...signedHeaders(BODY, SECRET, { id: `m${id}` }), ...more };
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: at.api.port, method: 'POST', path: `${API_PREFIX}${path}`, headers };
    const sent = httpRequest(options, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    });
    sent.once('error', reject).end(BODY);
  });
}

describe('on loopback', () => {
  it.each(['dsx.example.com', 'DSX.example.com', 'hooks.example.com:8443'])('sources reach it as %s', async (host) => {
    expect(await post(door, host, '/events/signed/share')).toBe(200);
  });

  it.each(['hooks.example.com', 'dsx.example.com:1', 'evil.example', 'dsx.example.com.evil.example'])(
    'they do not as %s',
    async (host) => {
      expect(await post(door, host, '/events/signed/share')).toBe(403);
    },
  );

  it.each(['/jobs', '/scan', '/events/signed/share/', '/events/signed/../../jobs', '/events//share', '/jobs/rebuild'])(
    'nothing else is served under a public name: %s',
    async (path) => {
      expect(await post(door, 'dsx.example.com', path, { 'content-type': 'application/json' })).toBe(403);
    },
  );

  it('a page that a browser shows is refused there too', async () => {
    const origin = 'https://evil.example';
    expect(await post(door, 'dsx.example.com', '/events/signed/share', { origin })).toBe(403);
  });
});

describe('on other addresses', () => {
  it('sources need no key, and reach nothing else', async () => {
    expect(await post(locked, 'any.example', '/events/signed/share')).toBe(200);
    expect(await post(locked, 'any.example', '/events/signed/other')).toBe(404);
    expect(await post(locked, 'any.example', '/jobs', { 'content-type': 'application/json' })).toBe(401);
  });

  it('no answer and no line of the log has a secret, a signature or a body', async () => {
    const { 'webhook-signature': signature = '' } = signedHeaders(BODY, SECRET, { id: 'other' });
    expect(await post(locked, 'any.example', '/events/signed/share', { 'webhook-signature': signature })).toBe(401);
    const logged = locked.api.logged.join('\n');
    expect(logged).toContain('delivery');
    for (const secret of [SECRET, signature, BODY]) expect(logged).not.toContain(secret);
  });
});
