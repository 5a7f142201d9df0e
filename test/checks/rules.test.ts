import { describe, expect, it } from 'vitest';
import { temporalFaults, versionFaults } from '../../scripts/checks/packages.ts';
import { lengthFaults, linkFaults, wordFaults } from '../../scripts/checks/sources.ts';
import { validatorFaults } from '../../scripts/checks/validators.ts';

const file = (path: string, text: string) => ({ path, text });

describe('versions', () => {
  it('must be exact', () => {
    expect(versionFaults({ dependencies: { a: '1.2.3', b: '1.2.3-rc.1' } })).toEqual([]);
    const loose = { a: '^1.2.3', b: '~1.0.0', c: 'latest', d: '1.x', e: 'github:x/y', f: '>=1.0.0', g: '' };
    expect(versionFaults({ devDependencies: loose })).toHaveLength(7);
  });

  it('of Temporal are one each, all the same', () => {
    const at = (...packages: [string, string][]) => ({
      packages: Object.fromEntries(packages.map(([k, version]) => [k, { version }])),
    });
    expect(
      temporalFaults(at(['node_modules/@temporalio/a', '1.0.0'], ['node_modules/@temporalio/b', '1.0.0'])),
    ).toEqual([]);
    expect(
      temporalFaults(
        at(['node_modules/@temporalio/a/node_modules/long', '5.0.0'], ['node_modules/@temporalio/a', '1.0.0']),
      ),
    ).toEqual([]);
    const twice = at(['node_modules/@temporalio/a', '1.0.0'], ['node_modules/x/node_modules/@temporalio/a', '1.0.0']);
    expect(temporalFaults(twice)).toMatchObject([{ text: expect.stringContaining('2 times') }]);
    const mixed = at(['node_modules/@temporalio/a', '1.0.0'], ['node_modules/@temporalio/b', '1.0.1']);
    expect(temporalFaults(mixed)).toMatchObject([{ text: expect.stringContaining('1.0.0 and 1.0.1') }]);
    expect(temporalFaults({})).toHaveLength(1);
  });
});

describe('the length of sources', () => {
  const long = 'x\n'.repeat(401);
  it('is limited outside of tests', () => {
    const files = [
      file('api/a.ts', long),
      file('test/a.ts', long),
      file('docs/a.md', long),
      file('api/b.ts', 'x\n'.repeat(400)),
    ];
    expect(lengthFaults(files)).toMatchObject([{ file: 'api/a.ts' }]);
    expect(lengthFaults([file('dsx', `#!/bin/sh\n${long}`)])).toHaveLength(1);
  });
});

describe('words', () => {
  const slash = '/';
  const refused = [
    `cd ${slash}work${slash}main`,
    `path: '${slash}root${slash}x'`,
    `see ${slash}home${slash}anna${slash}x`,
    `// ${'TO'}${'DO'}: later`,
    `${'FIX'}${'ME'}`,
    `it${'.'}only('x', () => {})`,
    `describe${'.'}skip('x')`,
    `it${'.'}skipIf(windows)('x')`,
    `test.concurrent${'.'}only('x')`,
  ];
  it.each(refused)('%j is refused, with its line', (text) => {
    expect(wordFaults([file('a.ts', `fine\n${text}\n`)])).toMatchObject([{ file: 'a.ts', line: 2 }]);
  });
  it.each([
    'test/work/x',
    'the root/ of it',
    'TODOS',
    'iterator.skip(1)',
    'https://x.example/work/y',
    '$HOME/.local/state',
  ])('%j is fine', (text) => {
    expect(wordFaults([file('a.ts', text)])).toEqual([]);
  });
});

describe('links', () => {
  const paths = ['README.md', 'docs/filters.md', 'docs/img/x.png'];
  const links = (text: string) =>
    linkFaults([file('docs/filters.md', `# Head Line: one\n\n${text}`), file('README.md', '# Top')], paths);
  it.each([
    '[a](../README.md)',
    '[a](#head-line-one)',
    '[a](../README.md#top)',
    '[a](https://x.example/y)',
    '![a](img/x.png)',
    '[a](img)',
    '[a](..)',
    '`[a](nowhere.md)`',
    '```\n[a](nowhere.md)\n```',
  ])('%s is fine', (text) => {
    expect(links(text)).toEqual([]);
  });
  it.each(['[a](README.md)', '[a](../nowhere)', '[a](#other)', '[a](../README.md#other)', '![a](y.png)'])(
    '%s is refused',
    (text) => {
      expect(links(text)).toMatchObject([{ file: 'docs/filters.md', line: 3 }]);
    },
  );
});

describe('update validators', () => {
  const text = (body: string) => `${body}\n`;
  const refused = [
    'setHandler(start, run, { validator: async (x) => check(x) });',
    'setHandler(start, run, { validator: async function (x) {} });',
    'setHandler(start, run, { async validator(x) {} });',
    'async function refuse(x) {}\nsetHandler(start, run, { validator: refuse });',
    'const refuse = async (x) => {};\nsetHandler(start, run, { validator: refuse, description: "" });',
    'const refuse: Refusal = async (x) => {};\nsetHandler(start, run, { validator: refuse });',
    'const validator = async () => {};\nsetHandler(start, run, { validator });',
  ];
  it.each(refused)('%j is refused', (body) => {
    expect(validatorFaults([file('workflows/a.ts', text(body))])).toHaveLength(1);
  });
  it('finds one that lies in another file', () => {
    const files = [
      file('workflows/b.ts', 'export async function refuse() {}'),
      file('workflows/a.ts', 'setHandler(start, run, { validator: rules.refuse })'),
    ];
    expect(validatorFaults(files)).toMatchObject([{ file: 'workflows/a.ts', line: 1 }]);
  });
  it('lets synchronous ones be', () => {
    const body =
      'function refuse(x) {}\nsetHandler(start, async (x) => run(x), { validator: refuse });\nconst o = { validator: (x) => check(x) };';
    expect(validatorFaults([file('workflows/a.ts', body)])).toEqual([]);
  });
});
