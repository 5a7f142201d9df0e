import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, type ConfigProblem } from '../../config/errors.ts';
import { loadWorkerConfig } from '../../config/worker.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'dsx-file-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const fileName = () => path.join(home, 'dsx-connect.yaml');

function load(text: string | Uint8Array, env: NodeJS.ProcessEnv = {}) {
  writeFileSync(fileName(), text);
  return loadWorkerConfig({ DSX_HOME: home, ...env });
}

function problems(text: string | Uint8Array, env?: NodeJS.ProcessEnv): readonly ConfigProblem[] {
  try {
    load(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const whole = `
# everything that may be said
connectors:
  - id: finance
    kind: filesystem
    asset: /srv/finance/
    filter: "reports, *.docx -tmp"
    action: Move_Tag
    quarantine: /srv/quarantine
    maxSize: 1 GiB
    maxActions: 100
    maxActionsWindow: 90m
    site: berlin
  - id: legal
    kind: filesystem
    asset: /srv/legal
scanner:
  url: https://scanner.example.com/scan/binary/v2
  protectedEntity: 3
  metadata: on
`;

describe('dsx-connect.yaml', () => {
  it('is read whole', () => {
    const config = load(whole);
    expect(config.configFile).toBe(fileName());
    expect(config.connectors).toEqual([
      {
        id: 'finance',
        kind: 'filesystem',
        asset: '/srv/finance',
        filter: 'reports, *.docx -tmp',
        action: 'movetag',
        quarantine: '/srv/quarantine',
        maxSize: 2 ** 30,
        maxActions: 100,
        maxActionsWindow: 5_400,
        site: 'berlin',
      },
      { id: 'legal', kind: 'filesystem', asset: '/srv/legal', filter: '', action: 'nothing' },
    ]);
    expect(config.scanners.dsxa).toMatchObject({
      url: 'https://scanner.example.com',
      protectedEntity: 3,
      metadata: true,
    });
  });

  it.each(['', '# nothing\n', 'connectors:\n', 'connectors: []\n', '{}\n', '---\n', 'scanner:\n'])(
    'may be empty: %j',
    (text) => {
      expect(load(text).connectors).toEqual([]);
    },
  );

  it('is not looked for elsewhere when it is named', () => {
    writeFileSync(fileName(), whole);
    const other = path.join(home, 'other.yaml');
    writeFileSync(other, 'connectors: [{ id: one, kind: filesystem, asset: /a }]\n');
    const config = loadWorkerConfig({ DSX_HOME: home, DSX_CONFIG: other });
    expect(config.connectors.map((connector) => connector.id)).toEqual(['one']);
  });
});

describe('references', () => {
  const text = `connectors:\n  - id: one\n    kind: filesystem\n    asset: \${PLACE}/x\n    filter: "a$\${b}"\n`;
  it('stand for variables, and a doubled dollar for the characters', () => {
    const [connector] = load(text, { PLACE: '/srv: "y"\nz: 1' }).connectors;
    expect(connector).toMatchObject({ asset: '/srv: "y"\nz: 1/x', filter: `a\${b}` });
  });

  it.each([{}, { PLACE: '' }])('to what is not set are named with their line', (env) => {
    expect(problems(text, env)).toMatchObject([
      { code: 'missing_reference', file: fileName(), line: 4, text: expect.stringContaining(`\${PLACE}`) },
    ]);
  });

  it('are not looked for in keys and comments', () => {
    expect(problems(`# \${NOTHING}\n`)).toEqual([]);
    expect(problems(`\${NOTHING}: 1\n`)).toMatchObject([{ code: 'unknown_key' }]);
  });

  it('that are not closed are refused', () => {
    expect(problems(`scanner:\n  url: \${OPEN\n`)).toMatchObject([{ code: 'missing_reference', line: 2 }]);
  });
});

describe('mistakes', () => {
  const one = 'connectors:\n  - id: one\n    kind: filesystem\n    asset: /a\n';
  const refused: readonly [string, ConfigProblem['code'], number, string | undefined, RegExp][] = [
    ['connectors: [\n', 'invalid_file', 2, undefined, /not YAML/],
    ['a: 1\na: 2\n', 'invalid_file', 2, undefined, /not YAML/],
    ['connectors: []\n---\nconnectors: []\n', 'invalid_file', 2, undefined, /not YAML/],
    ['- 1\n', 'invalid_value', 1, undefined, /set of fields/],
    ['conectors: []\n', 'unknown_key', 1, 'conectors', /did you mean connectors/],
    ['x: 1\n', 'unknown_key', 1, 'x', /there are connectors, scanner/],
    ['connectors: yes\n', 'invalid_value', 1, 'connectors', /must be a list/],
    ['connectors:\n  id: one\n', 'invalid_value', 2, 'connectors', /must be a list/],
    ['connectors:\n  - one\n', 'invalid_value', 2, 'connectors[0]', /set of fields/],
    [`${one}    asste: /b\n`, 'unknown_key', 5, 'connectors[0].asste', /did you mean asset/],
    [`${one}    scanPassword: 1234\n`, 'invalid_value', 5, 'connectors[0].scanPassword', /must be text/],
    [`${one}    scanPassword: ""\n`, 'invalid_value', 5, 'connectors[0].scanPassword', /must not be empty/],
    [
      `${one}    scanPassword: ${'x'.repeat(1_025)}\n`,
      'invalid_value',
      5,
      'connectors[0].scanPassword',
      /^must have 1024 bytes at most$/,
    ],
    [`${one}    filter: "a 'b"\n`, 'invalid_value', 5, 'connectors[0].filter', /column 3: the quote/],
    [`${one}    filter: 12\n`, 'invalid_value', 5, 'connectors[0].filter', /quotes/],
    [`${one}    action: burn\n`, 'invalid_value', 5, 'connectors[0].action', /nothing, delete/],
    [`${one}    maxSize: -1\n`, 'invalid_value', 5, 'connectors[0].maxSize', /bytes/],
    [`${one}    maxActions: -1\n`, 'invalid_value', 5, 'connectors[0].maxActions', /whole number from 0/],
    [`${one}    maxActionsWindow: 1h\n`, 'invalid_value', 5, 'connectors[0].maxActionsWindow', /needs maxActions/],
    [
      `${one}    maxActions: 1\n    maxActionsWindow: 32d\n`,
      'invalid_value',
      6,
      'connectors[0].maxActionsWindow',
      /31d/,
    ],
    [`${one}    quarantine: q\n`, 'invalid_value', 5, 'connectors[0].quarantine', /absolute/],
    [`${one}    quarantine: /a\n`, 'invalid_value', 5, 'connectors[0].quarantine', /must not be the asset/],
    [`${one}    quarantine: /\n`, 'invalid_value', 5, 'connectors[0].quarantine', /must not be the asset/],
    [`${one}    site: Berlin\n`, 'invalid_value', 5, 'connectors[0].site', /lower-case/],
    [`${one}  - id: one\n    kind: filesystem\n    asset: /b\n`, 'duplicate_id', 5, 'connectors[1].id', /line 2/],
    ['connectors:\n  - kind: filesystem\n    asset: /a\n', 'missing_value', 2, 'connectors[0].id', /is missing/],
    ['connectors:\n  - id: one\n    kind: filesystem\n', 'missing_value', 2, 'connectors[0].asset', /is missing/],
    [
      'connectors:\n  - id: folder-x\n    kind: filesystem\n    asset: /a\n',
      'invalid_value',
      2,
      'connectors[0].id',
      /folder-/,
    ],
    [
      'connectors:\n  - id: One\n    kind: filesystem\n    asset: /a\n',
      'invalid_value',
      2,
      'connectors[0].id',
      /lower-case/,
    ],
    ['connectors:\n  - id: one\n    kind: s3\n    asset: /a\n', 'invalid_value', 3, 'connectors[0].kind', /filesystem/],
    [
      'connectors:\n  - id: one\n    kind: filesystem\n    asset: a\n',
      'invalid_value',
      4,
      'connectors[0].asset',
      /absolute/,
    ],
    ['scanner:\n  url: nowhere\n', 'invalid_value', 2, 'scanner.url', /http/],
    ['scanner:\n  metadata: on\n', 'missing_value', 2, 'scanner.url', /is missing/],
    ['scanner:\n  url: http://s\n  token: x\n', 'unknown_key', 3, 'scanner.token', /did you mean tokenFile|there are/],
  ];
  it.each(refused)('%j', (text, code, line, field, message) => {
    expect(problems(text)).toMatchObject([
      { code, file: fileName(), line, ...(field !== undefined && { field }), text: expect.stringMatching(message) },
    ]);
  });

  it('are all told at once, each with file, line and field', () => {
    const text = `${one}    filter: "["\n    maxSize: x\n  - id: two\n    kind: filesystem\n`;
    expect(() => load(text)).toThrow(
      new RegExp(
        `^${fileName()}:5: connectors\\[0\\].filter: .*\n${fileName()}:6: connectors\\[0\\].maxSize: .*\n${fileName()}:7: connectors\\[1\\].asset: `,
      ),
    );
  });

  it('of encoding and size are refused', () => {
    expect(problems(Uint8Array.of(0x61, 0xff, 0xfe))).toMatchObject([
      { code: 'invalid_file', text: expect.stringContaining('UTF-8') },
    ]);
    expect(problems(`# ${'x'.repeat(1024 * 1024)}`)).toMatchObject([
      { code: 'invalid_file', text: expect.stringContaining('larger') },
    ]);
  });

  it('of the bomb kind are refused', () => {
    const bomb = [
      'a: &a [x]',
      ...Array.from(
        { length: 9 },
        (_, i) =>
          `${String.fromCharCode(98 + i)}: &${String.fromCharCode(98 + i)} [${`*${String.fromCharCode(97 + i)},`.repeat(9)}]`,
      ),
    ];
    expect(problems(bomb.join('\n'))).not.toEqual([]);
  });

  it('in files that the scanner needs are told with the field', () => {
    expect(problems('scanner:\n  url: http://s\n  tokenFile: none\n')).toMatchObject([
      {
        code: 'unreadable_file',
        file: fileName(),
        field: 'scanner.tokenFile',
        text: expect.stringContaining(path.join(home, 'none')),
      },
    ]);
  });
});
