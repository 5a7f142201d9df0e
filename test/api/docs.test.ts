import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apiRoutes } from '../../api/app.ts';
import type { ApiDeps } from '../../api/deps.ts';
import { PROBLEMS } from '../../api/problems.ts';
import { statusKeys } from '../../status/redis-status.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8');

test('docs/api.md lists exactly the problems there are, with their status', () => {
  const listed = [...text.matchAll(/^\| `([a-z_]+)` \| (\d{3}) \|/gm)].map(([, code, status]) => `${code} ${status}`);
  expect(listed.sort()).toEqual(
    Object.entries(PROBLEMS)
      .map(([code, { status }]) => `${code} ${status}`)
      .sort(),
  );
});

test('docs/api.md names every route but those of the former product', () => {
  const routes = apiRoutes({ settings: { connectors: [] }, scanners: [] } as unknown as ApiDeps);
  for (const { path, old } of routes) {
    if (old) continue;
    const verb = /^\/jobs\/:job\/(pause|resume|cancel)$/.exec(path)?.[1];
    expect(text).toContain(verb === undefined || verb === 'pause' ? path.slice(1) : `…/${verb}`);
  }
});

test('docs/status.md names every key of the status', () => {
  const status = readFileSync(join(import.meta.dirname, '../../docs/status.md'), 'utf8');
  const keys = statusKeys();
  const names = [
    keys.jobs,
    keys.job('<id>'),
    keys.workers('<job>'),
    keys.live('<job>', '<worker>'),
    keys.findings('<job>'),
    keys.watch('<connector>'),
    keys.watchLive('<connector>'),
  ];
  for (const name of [...names, keys.open, keys.seen('<job>'), keys.epoch, keys.rebuild, keys.lock])
    expect(status).toContain(`| \`${name}\` |`);
});
