import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectPaths, readSources } from '../../scripts/checks/files.ts';
import { runChecks } from '../../scripts/checks/run.ts';
import { promiseFaults, toolFaults } from '../../scripts/checks/tools.ts';

const real = path.resolve(import.meta.dirname, '../..');
let root: string;

/** A small project with the settings of this one, in a folder of its own. */
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'dsx-checks-'));
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'biome.json', '.oxlintrc.json']) {
    cpSync(path.join(real, name), path.join(root, name));
  }
  symlinkSync(path.join(real, 'node_modules'), path.join(root, 'node_modules'));
  plant('domain/one.ts', 'export const one = 1;\n');
  plant('workflows/two.ts', "import { one } from '../domain/one.ts';\n\nexport const two = one + 1;\n");
  plant('README.md', '# Project\n\nSee [one](domain/one.ts).\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function plant(name: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), text);
}

async function report(): Promise<{ said: string[]; counts: { passed: number; failed: number } }> {
  const said: string[] = [];
  const counts = await runChecks(root, (line) => said.push(line));
  return { said, counts };
}

const NAMES = [
  'types',
  'format',
  'promises',
  'imports',
  'versions',
  'temporal',
  'length',
  'words',
  'links',
  'validators',
];

describe('all checks', () => {
  it('pass on a project without faults', async () => {
    const { said, counts } = await report();
    expect(said).toEqual(NAMES.map((name) => `ok ${name}`));
    expect(counts).toEqual({ passed: NAMES.length, failed: 0 });
  });

  it('each find the fault that was planted for it', async () => {
    plant('domain/types.ts', "export const wrong: number = 'text';\n");
    plant('domain/format.ts', 'export  const   odd = "x"\n');
    plant(
      'domain/promises.ts',
      'async function work(): Promise<void> {}\n\nexport function start(): void {\n  work();\n}\n',
    );
    plant('domain/imports.ts', "import fs from 'node:fs';\n\nexport const read = fs.readFileSync;\n");
    plant('domain/length.ts', `${Array.from({ length: 401 }, (_, i) => `export const v${i} = ${i};`).join('\n')}\n`);
    plant('docs/words.md', `# Words\n\n${'TO'}${'DO'}\n`);
    plant('docs/links.md', '# Links\n\n[gone](gone.md)\n');
    plant('workflows/validators.ts', 'export const options = { validator: async () => {} };\n');
    plant('package.json', JSON.stringify({ type: 'module', dependencies: { zod: '^4.0.0' } }, null, 2));
    const lock = {
      packages: {
        'node_modules/@temporalio/a': { version: '1.0.0' },
        'x/node_modules/@temporalio/a': { version: '1.0.1' },
      },
    };
    plant('package-lock.json', JSON.stringify(lock));
    const { said, counts } = await report();
    const heads = said.filter((line) => !line.startsWith('  '));
    expect(heads.map((line) => line.split(':')[0])).toEqual(NAMES.map((name) => `FAIL ${name}`));
    expect(counts).toEqual({ passed: 0, failed: NAMES.length });
    for (const name of ['types', 'format', 'promises', 'imports', 'length']) {
      expect(
        said.some((line) => line.startsWith(`  domain/${name}.ts`)),
        name,
      ).toBe(true);
    }
  });
});

describe('the promise check', () => {
  it('finds promises that nobody waits for, by their types', async () => {
    plant(
      'api/a.ts',
      'declare function save(): Promise<void>;\n\nexport function go(list: string[]): void {\n  save();\n  list.forEach(async () => save());\n  if (save()) list.pop();\n  void save();\n}\n',
    );
    expect((await promiseFaults(root)).map(({ file, line }) => `${file}:${line}`)).toEqual([
      'api/a.ts:4',
      'api/a.ts:5',
      'api/a.ts:6',
    ]);
  });

  it('finds an async validator where its type says that nothing is returned', async () => {
    plant(
      'workflows/v.ts',
      'declare function setHandler(o: { validator?: (x: string) => void }): void;\n\nsetHandler({ validator: async () => {} });\n',
    );
    expect(await promiseFaults(root)).toMatchObject([{ file: 'workflows/v.ts', line: 3 }]);
  });

  it('fails when there is nothing to look at', async () => {
    const empty = path.join(root, 'empty');
    mkdirSync(empty);
    expect(await promiseFaults(root, empty)).not.toEqual([]);
  });
});

describe('tools', () => {
  it('that fail without a word are faults all the same', () => {
    expect(toolFaults({ code: 2, output: '' })).toEqual([{ text: 'exit code 2 and no output' }]);
    expect(toolFaults({ code: 0, output: 'fine' })).toEqual([]);
  });
});

describe('the files of the project', () => {
  it('are all but installed ones where there is no git', async () => {
    plant('deep/er/x.txt', 'text');
    plant('.parts/x.ts', 'installed');
    plant('binary', 'a\0b');
    const paths = await projectPaths(root);
    expect(paths).toContain('deep/er/x.txt');
    expect(paths).not.toContain('.parts/x.ts');
    expect(paths.some((file) => file.startsWith('node_modules'))).toBe(false);
    expect(readSources(root, paths).map((file) => file.path)).not.toContain('binary');
  });
});
