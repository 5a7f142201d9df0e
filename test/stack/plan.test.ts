import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CliError } from '../../cli/errors.ts';
import type { StackOptions } from '../../cli/stack/contract.ts';
import { parseParts, planStack } from '../../cli/stack/plan.ts';

const home = mkdtempSync(path.join(tmpdir(), 'dsx-plan-'));
const key = path.join(home, 'key');
writeFileSync(key, 'sixteen-characters');
afterAll(() => rmSync(home, { recursive: true, force: true }));

const plan = (env: Record<string, string> = {}, more: Partial<StackOptions> = {}) =>
  planStack({ home, env, standing: true, ...more });

function refusal(work: () => unknown): { exit: number; message: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof CliError) return { exit: error.exit, message: error.message };
    throw error;
  }
  throw new Error('it was accepted');
}

test('with nothing set every part is started, and the stand-in is the only scanner', () => {
  expect(plan()).toMatchObject({
    own: ['temporal', 'valkey', 'standin', 'worker', 'api'],
    absent: [],
    scanners: ['standin'],
    workers: 1,
    apiHost: '127.0.0.1',
    apiPort: 8586,
    ledger: path.join(home, 'ledger'),
  });
});

test('what the environment names is used and not started, by its old names too', () => {
  const found = plan({
    TEMPORAL_ADDRESS: 'temporal.example:7233',
    DSXCONNECT_REDIS_URL: 'redis://redis.example:6379',
    DSXA_SCANNER_URL: 'http://scanner.example:5000/',
  });
  expect(found.own).toEqual(['worker', 'api']);
  expect(found.external).toMatchObject({
    temporal: { address: 'temporal.example:7233', namespace: 'default', tls: false },
    redis: 'redis://redis.example:6379',
    scanner: 'http://scanner.example:5000',
  });
  expect(found.scanners).toEqual(['dsxa']);
  expect(found.absent).toEqual([
    { part: 'temporal', why: 'TEMPORAL_ADDRESS is set' },
    { part: 'valkey', why: 'REDIS_URL is set' },
    { part: 'standin', why: 'DSXA_SCANNER_URL is set' },
  ]);
});

test('a variable that is empty, as in .env.example, names nothing', () => {
  expect(plan({ TEMPORAL_ADDRESS: '', REDIS_URL: '', DSXA_SCANNER_URL: '', API_PORT: '' }).own).toHaveLength(5);
});

test('no stand-in outside dev', () => {
  for (const APP_ENV of ['stag', 'prod'])
    expect(plan({ APP_ENV })).toMatchObject({ scanners: [], absent: [{ part: 'standin' }] });
});

test('an isolated stack heeds nothing that leads elsewhere, but keeps what tunes it', () => {
  const env = {
    TEMPORAL_ADDRESS: 'temporal.example:7233',
    REDIS_URL: 'redis://redis.example',
    DSXA_SCANNER_URL: 'http://scanner.example',
    DSXA_AUTH_TOKEN: 'token',
    APP_ENV: 'prod',
    API_HOST: '0.0.0.0',
    DSXCONNECT_RESULTS_DB: 'old',
    DSXCONNECT_PAGE_SLOTS: '2',
    DSX_LEDGER: '/elsewhere',
    PATH: '/bin',
  };
  const found = plan(env, { isolated: true, standing: false });
  expect(found).toMatchObject({
    scanners: ['standin'],
    apiHost: '127.0.0.1',
    apiPort: undefined,
    ledger: path.join(home, 'ledger'),
  });
  expect(found.own).toHaveLength(5);
  expect(found.env).toEqual({ DSXCONNECT_PAGE_SLOTS: '2', DSX_HOME: home, PATH: '/bin' });
});

test('settings for another Temporal do not reach the parts of the embedded one', () => {
  expect(plan({ TEMPORAL_NAMESPACE: 'scans', TEMPORAL_TLS: 'on' }).env).toEqual({ DSX_HOME: home });
});

test('only, skip and what is left', () => {
  expect(plan({}, { only: ['temporal', 'valkey'] }).own).toEqual(['temporal', 'valkey']);
  expect(plan({}, { skip: ['standin'] }).own).toEqual(['temporal', 'valkey', 'worker', 'api']);
  expect(plan({ TEMPORAL_ADDRESS: '127.0.0.1:7233' }, { only: ['worker'] }).own).toEqual(['worker']);
  expect(parseParts('--only', 'api, worker')).toEqual(['api', 'worker']);
});

test.for([
  [
    'an unknown part',
    () => parseParts('--skip', 'worker,redis'),
    'no part "redis"; the parts are temporal, valkey, standin, worker, api',
  ],
  ['an empty part', () => parseParts('--skip', 'worker,,api'), 'an empty name'],
  ['nothing left', () => plan({}, { only: ['api'], skip: ['api'] }), 'nothing is left to start'],
  ['a worker without Temporal', () => plan({}, { only: ['worker'] }), 'worker needs Temporal'],
  ['no worker', () => plan({}, { workers: 0 }), 'from 1 to 64'],
  ['a number that is none', () => plan({}, { workers: Number('x') }), 'from 1 to 64'],
  ['a port that is none', () => plan({ API_PORT: 'http' }), 'API_PORT'],
  ['an open address without a key', () => plan({ API_HOST: '0.0.0.0' }), 'DSXCONNECT_API_KEY_FILE'],
  ['a misspelt variable', () => plan({ DSXA_SCANER_URL: 'http://127.0.0.1' }), 'did you mean DSXA_SCANNER_URL'],
] as const)('%s is a usage error', ([, work, text]) => {
  const { exit, message } = refusal(work);
  expect(message).toContain(text);
  expect(exit).toBe(2);
});

test('an open address with a key is served, and the key is told by its file alone', () => {
  const found = plan({ API_HOST: '0.0.0.0', DSXCONNECT_API_KEY_FILE: key });
  expect(found).toMatchObject({ apiHost: '0.0.0.0', apiKeyFile: key });
  expect(JSON.stringify(found)).not.toContain('sixteen');
});
