import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../config/errors.ts';
import { loadLedger } from '../../config/ledger.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'dsx-ledger-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the settings of a ledger in a bucket', () => {
  test('of S3: endpoint, region and a key, whose secret never shows', () => {
    const { place, access } = loadLedger(
      {
        DSX_LEDGER: 's3://bucket/ledger/',
        DSX_LEDGER_ENDPOINT: 'http://127.0.0.1:9000/',
        DSX_LEDGER_REGION: 'eu-west-1',
        DSX_LEDGER_ACCESS_KEY_ID: 'id',
        DSX_LEDGER_SECRET_ACCESS_KEY: 'hush',
      },
      '/home',
    );
    expect(place).toBe('s3://bucket/ledger');
    expect(access).toMatchObject({ endpoint: 'http://127.0.0.1:9000', region: 'eu-west-1', accessKeyId: 'id' });
    expect(access.secretAccessKey?.reveal()).toBe('hush');
    expect(inspect(access) + JSON.stringify(access)).not.toContain('hush');
  });

  test('of Azure: a key in a file, or a SAS, not both', () => {
    const file = path.join(folder, 'key');
    writeFileSync(file, 'a2V5\n');
    const env = { DSX_LEDGER: 'az://account1/box/l', DSX_LEDGER_ACCOUNT_KEY_FILE: file };
    expect(loadLedger(env, '/home').access.accountKey?.reveal()).toBe('a2V5');
    expect(() => loadLedger({ ...env, DSX_LEDGER_SAS_TOKEN: 'sv=1' }, '/home')).toThrow(ConfigError);
    expect(() => loadLedger({ ...env, DSX_LEDGER_ACCOUNT_KEY: 'b' }, '/home')).toThrow(/beside/);
  });

  test('a place that a person names wins, and a folder needs none of them', () => {
    const env = { DSX_LEDGER: 's3://bucket/ledger', DSX_LEDGER_REGION: 'r' };
    expect(loadLedger(env, '/home', 'copy')).toEqual({ place: 'copy', access: {} });
    expect(loadLedger(env, '/home', 's3://bucket/copy')).toEqual({
      place: 's3://bucket/copy',
      access: { region: 'r' },
    });
    expect(() => loadLedger(env, '/home', 'gs://bucket/copy')).toThrow(/DSX_LEDGER_REGION/);
    expect(loadLedger({}, '/home')).toEqual({ place: '/home/ledger', access: {} });
  });
});
