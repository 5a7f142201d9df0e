import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { check, schema, show } from '../../cli/commands/config.ts';
import { SCHEMA_FILE, schemaText } from '../../scripts/config-schema.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'dsx-config-command-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = path.join(folder, 'some.yaml');
const env = { HOME: folder, DSX_HOME: folder };

function run(command: (here: Parameters<typeof check>[1]) => number, given: Record<string, string> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const output = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const code = command({ env: { ...env, ...given }, cwd: folder, output: output as never });
  return { code, text: out.join('\n'), told: err.join('\n') };
}

describe('dsx config check', () => {
  it('is content with what is right, and warns of what should not stay so', () => {
    writeFileSync(file, 'connectors:\n  - { id: a, kind: filesystem, asset: /srv }\n');
    const { code, text } = run((here) => check({ file }, here), {
      DSXA_SCANNER_URL: 'https://scanner.example.com',
      DSXA_VERIFY_TLS: 'off',
    });
    expect(code).toBe(0);
    expect(text).toBe(
      `warning  the certificate of the scanner dsxa is not verified: its verdicts can be forged (DSXA_VERIFY_TLS=off)\nok       ${file}, 1 connector(s)`,
    );
  });

  it('tells everything that is wrong at once, with line and remedy, and ends with 2', () => {
    writeFileSync(file, 'connectors:\n  - id: a\n    kind: filesystem\n    asset: srv\n    filtr: x\n');
    const { code, text } = run((here) => check({ file }, here), { DSXA_SCANER_URL: 'https://x' });
    expect(code).toBe(2);
    const lines = text.split('\n').filter((line) => line.startsWith('wrong'));
    expect(lines).toHaveLength(3);
    expect(lines.join('\n')).toMatch(/DSXA_SCANER_URL: .*did you mean DSXA_SCANNER_URL/);
    expect(lines.join('\n')).toContain(`${file}:4: connectors[0].asset: must be an absolute path`);
    expect(lines.join('\n')).toContain(`${file}:5: connectors[0].filtr: is not a field; did you mean filter?`);
    const json = JSON.parse(run((here) => check({ file, json: true }, here)).text);
    expect(json).toMatchObject({ ok: false, file, problems: [{ line: 4 }, { line: 5 }] });
  });
});

describe('dsx config show', () => {
  it('names the origin of each setting, and shows no secret', () => {
    writeFileSync(path.join(folder, '.env'), 'LOG_LEVEL=debug\n');
    const yaml = `connectors:
  - id: s
    kind: aws_s3
    asset: bucket
    AWS_REGION: eu-central-1
    accessKeyId: \${KEY}
    secretAccessKey: canary-in-file
    scanPassword: canary-password
results:
  - id: hook
    kind: webhook
    url: https://canary-user:canary-pass@hooks.example.com/x?token=canary-query
    secret: whsec_canary
`;
    writeFileSync(file, yaml);
    const { code, text } = run((here) => show({ file }, here), {
      LOG_LEVEL: 'debug',
      KEY: 'canary-key',
      DSXCONNECT_REDIS_URL: 'redis://:canary-redis@h:1',
      DSXA_AUTH_TOKEN: 'canary-token',
      DSXCONNECT_CODEC_KEYS: `a:${Buffer.from('canary-canary-canary-canary-canary').toString('base64')}`,
    });
    expect(code).toBe(2);
    expect(text).not.toContain('canary');
    expect(text).not.toContain(Buffer.from('canary').toString('base64').slice(0, 8));
    const lines = text.split('\n');
    for (const line of [
      `LOG_LEVEL = debug  [${path.join(folder, '.env')}]`,
      'REDIS_URL = redis://:***@h:1  [environment, as DSXCONNECT_REDIS_URL]',
      'DSXA_AUTH_TOKEN = [redacted]  [environment]',
      'API_PORT = 8586  [default]',
      `connectors[s].region = eu-central-1  [${file}:5, as AWS_REGION]`,
      `connectors[s].accessKeyId = \${KEY}  [${file}:6]`,
      `connectors[s].secretAccessKey = [redacted]  [${file}:7]`,
      'connectors[s].action = nothing  [default]',
      `results[hook].url = https://***:***@hooks.example.com/x  [${file}:12]`,
      `results[hook].secret = [redacted]  [${file}:13]`,
    ]) {
      expect(lines).toContain(line);
    }
    const set = JSON.parse(run((here) => show({ file, set: true, json: true }, here)).text);
    expect(set.settings.some((one: { origin: string }) => one.origin === 'default')).toBe(false);
  });
});

describe('dsx config schema', () => {
  it('is the committed one, which is fresh (made by: node scripts/config-schema.ts)', () => {
    expect(readFileSync(SCHEMA_FILE, 'utf8')).toBe(schemaText());
    expect(run((here) => schema(here)).text).toBe(schemaText().trimEnd());
  });

  it('is named by the examples, for editors', () => {
    const example = readFileSync(path.join(import.meta.dirname, '../../deploy/dsx-connect.yaml'), 'utf8');
    expect(example.split('\n')[0]).toBe('# yaml-language-server: $schema=dsx-connect.schema.json');
  });
});
