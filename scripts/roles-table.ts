import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiRoutes } from '../api/app.ts';
import type { ApiDeps } from '../api/deps.ts';
import { ROLES } from '../domain/role.ts';

const PAGE = join(import.meta.dirname, '../docs/security.md');
const TABLE = /(<!-- roles -->\n)([\s\S]*?)(\n?<!-- \/roles -->)/;

/** The table of `docs/security.md`, from the table of routes: one row a role. */
export function rolesTable(): string {
  const routes = apiRoutes({ settings: { connectors: [] }, scanners: [] } as unknown as ApiDeps);
  const rows = (['none', 'signed', ...ROLES] as const).flatMap((role) => {
    const own = routes
      .filter((route) => route.role === role)
      .map(({ method, path }) => `\`${method} ${path.slice(1)}\``);
    return own.length === 0 ? [] : [`| ${role} | ${own.sort().join(', ')} |`];
  });
  return ['| role | routes |', '| --- | --- |', ...rows].join('\n');
}

/** The same as the page has it. */
export function writtenTable(): string | undefined {
  return TABLE.exec(readFileSync(PAGE, 'utf8'))?.[2]?.trim();
}

if (import.meta.main) writeFileSync(PAGE, readFileSync(PAGE, 'utf8').replace(TABLE, `$1${rolesTable()}$3`));
