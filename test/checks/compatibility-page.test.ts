import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apiRoutes } from '../../api/app.ts';
import type { ApiDeps } from '../../api/deps.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/compatibility.md'), 'utf8');
const table = apiRoutes({ settings: { connectors: [] }, scanners: [] } as unknown as ApiDeps);
const served = new Set(table.map(({ method, path }) => `${method} ${path.slice(1)}`));
const rows = [...page.matchAll(/^\| `([A-Z]+ [^`]+)` \| (kept|different|not supported) \| ?(.*?) ?\|$/gm)].map(
  ([, route = '', is = '', what = '']) => ({ route, is, what }),
);
test('docs/compatibility.md has every route of the former product that is served, once', () => {
  const named = rows.map(({ route }) => route);
  expect(new Set(named).size).toBe(named.length);
  const old = table.filter(({ old }) => old).map(({ method, path }) => `${method} ${path.slice(1)}`);
  expect(named).toEqual(expect.arrayContaining(old));
});

test('every route that it names is served', () => {
  const missing = rows.map(({ route }) => route).filter((route) => !served.has(route));
  expect(missing).toEqual([]);
});

test('it says what is different, and what is answered in the place of what is not supported', () => {
  for (const { route, is, what } of rows) {
    if (is === 'different') expect([route, what]).not.toEqual([route, '']);
    if (is === 'not supported') expect([route, what]).toEqual([route, expect.stringMatching(/^[45]\d\d/)]);
  }
});
