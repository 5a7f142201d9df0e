import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apiRoutes } from '../../api/app.ts';
import type { ApiDeps } from '../../api/deps.ts';
import { ROLES } from '../../domain/role.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/security.md'), 'utf8');
const table = apiRoutes({ settings: { connectors: [] }, scanners: [] } as unknown as ApiDeps);

/** The table of the page, from the table of routes: one row a role. */
function rolesTable(): string {
  const rows = (['none', 'signed', ...ROLES] as const).flatMap((role) => {
    const routes = table
      .filter((route) => route.role === role)
      .map(({ method, path }) => `\`${method} ${path.slice(1)}\``);
    return routes.length === 0 ? [] : [`| ${role} | ${routes.sort().join(', ')} |`];
  });
  return ['| role | routes |', '| --- | --- |', ...rows].join('\n');
}

test('docs/security.md says of every route who may ask', () => {
  const [, written] = /<!-- roles -->\n([\s\S]*?)\n?<!-- \/roles -->/.exec(page) ?? [];
  expect(written?.trim()).toBe(rolesTable());
});
