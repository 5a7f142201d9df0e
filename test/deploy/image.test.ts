import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { ROOT } from '../../cli/home.ts';
import { installTools, tool } from './tools.ts';

beforeAll(installTools, 180_000);

test('the Dockerfile has nothing that hadolint finds', async () => {
  expect(await tool('hadolint', ['Dockerfile'])).toEqual({ code: 0, output: '' });
});

test('the shell scripts have nothing that shellcheck finds', async () => {
  const scripts = ['dsx', '.ci/run', 'deploy/temporal/set-up-schema.sh', 'deploy/temporal/create-namespace.sh'];
  expect(await tool('shellcheck', scripts)).toEqual({ code: 0, output: '' });
});

/** The project's files that a script imports, itself among them, relative to the root. */
function reached(script: string, found = new Set<string>()): Set<string> {
  if (found.has(script)) return found;
  found.add(script);
  const text = readFileSync(path.join(ROOT, script), 'utf8');
  for (const [, named] of text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
    reached(path.join(path.dirname(script), named ?? ''), found);
  }
  return found;
}

test('what the image is made of holds every file that its processes import, and no package for development', () => {
  const kept = readFileSync(path.join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  expect(kept.filter((entry) => !existsSync(path.join(ROOT, entry)))).toEqual([]);
  const scripts = [
    'api/main.ts',
    'workers/main.ts',
    'scanner/standin/main.ts',
    'scripts/image/bundle-workflows.ts',
    'workflows/index.ts',
  ];
  const needed = new Set(scripts.flatMap((script) => [...reached(script)]));
  const lacking = [...needed].filter((file) => !kept.some((entry) => file === entry || file.startsWith(`${entry}/`)));
  expect(lacking).toEqual([]);
  const { dependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const packages = [...needed].flatMap((file) =>
    [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/^import (?!type).*from '([^.'][^']*)'/gm)].map(
      ([, name = '']) => name,
    ),
  );
  const roots = packages.map((name) =>
    name
      .split('/')
      .slice(0, name.startsWith('@') ? 2 : 1)
      .join('/'),
  );
  expect(roots.filter((name) => !name.startsWith('node:') && !(name in dependencies))).toEqual([]);
});
