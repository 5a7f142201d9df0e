import { request } from 'node:http';
import express from 'express';
import { expect, test } from 'vitest';
import { createCallers } from '../../api/auth/caller.ts';
import { API_PREFIX } from '../../api/contract.ts';
import { createGuard } from '../../api/guard.ts';
import { serve, stopServing } from '../../api/server.ts';

const KEY = 'canary-key-0123456789abcdef';
const ROUTES = [
  { method: 'GET', path: '/healthz', role: 'none', basic: false },
  { method: 'POST', path: '/events/:source/:connector', role: 'signed', basic: false },
  { method: 'GET', path: '/jobs', role: 'viewer', basic: false },
] as const;

function status(
  port: number,
  method: string,
  path: string,
  host: string,
  more: Record<string, string> = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, method, path: `${API_PREFIX}${path}`, headers: { host, ...more } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    sent.on('error', reject).end();
  });
}

async function guarded(use: (port: number) => Promise<void>): Promise<void> {
  const app = express();
  const find = createCallers({ bootstrap: KEY, ring: undefined, onUse: async () => undefined });
  const publicHosts = ['hooks.example'];
  app.use(createGuard({ loopback: true, keyed: true, find, routes: ROUTES, limits: undefined, publicHosts }));
  app.use((_, response) => void response.end());
  app.use(((error, _request, response, _next) => {
    response.status((error as { status: number }).status).end();
  }) as express.ErrorRequestHandler);
  const { server, port } = await serve(app, { host: '127.0.0.1', port: 0 });
  try {
    await use(port);
  } finally {
    await stopServing(server, 100);
  }
}

test('what verifies its sender needs no key, and is served under public names; nothing else is', async () => {
  await guarded(async (port) => {
    const ours = `127.0.0.1:${port}`;
    expect(await status(port, 'POST', '/events/sns/share', ours)).toBe(200);
    expect(await status(port, 'POST', '/events/sns/share', 'hooks.example')).toBe(200);
    expect(await status(port, 'POST', '/events/sns/share', 'evil.example')).toBe(403);
    for (const path of ['/events/sns/share/more', '/events/sns', '/events/sns/', '/xevents/sns/share']) {
      expect(await status(port, 'POST', path, ours)).toBe(401);
      expect(await status(port, 'POST', path, 'hooks.example')).toBe(403);
    }
    expect(await status(port, 'GET', '/jobs', ours)).toBe(401);
    expect(await status(port, 'GET', '/healthz', ours)).toBe(200);
    expect(await status(port, 'POST', '/healthz', ours)).toBe(401);
    expect(await status(port, 'GET', '/healthz', 'hooks.example')).toBe(403);
    // The method counts too: what the path is signed for is not what is asked for here.
    expect(await status(port, 'GET', '/events/sns/share', ours)).toBe(401);
    expect(await status(port, 'GET', '/events/sns/share', 'hooks.example')).toBe(403);
  });
});

test('what pages of other sites load by themselves is refused; a link that is followed is served', async () => {
  await guarded(async (port) => {
    const ours = `127.0.0.1:${port}`;
    const from = (site: string, dest: string) =>
      status(port, 'GET', '/healthz', ours, { 'sec-fetch-site': site, 'sec-fetch-dest': dest });
    for (const site of ['cross-site', 'same-site']) {
      for (const dest of ['image', 'script', 'iframe', 'empty', '']) expect(await from(site, dest)).toBe(403);
      expect(await from(site, 'document')).toBe(200);
    }
    expect([await from('same-origin', 'empty'), await from('none', 'document')]).toEqual([200, 200]);
  });
});
