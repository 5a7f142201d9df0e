import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiSchema, isLoopback, loadApiConfig } from '../../config/api.ts';
import { ENVIRONMENT } from '../../config/environment.ts';
import { ConfigError, type ConfigProblem } from '../../config/errors.ts';
import { loadWorkerConfig, workerSchema } from '../../config/worker.ts';
import { localCertificate } from '../../scripts/servers/graph/certificate.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'dsx-config-'));
  put('dsx-connect.yaml', '');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function put(name: string, text: string): string {
  const file = path.join(home, name);
  writeFileSync(file, text);
  return file;
}

const worker = (env: NodeJS.ProcessEnv = {}) => loadWorkerConfig({ DSX_HOME: home, ...env });
const api = (env: NodeJS.ProcessEnv = {}) => loadApiConfig({ DSX_HOME: home, ...env });

function problems(load: () => unknown): readonly ConfigProblem[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('defaults', () => {
  it('are complete for a worker', () => {
    expect(worker()).toEqual({
      appEnv: 'dev',
      definitionSecrets: {},
      allowedAddresses: [],
      logLevel: 'info',
      home,
      ledger: { place: path.join(home, 'ledger'), access: {} },
      configFile: path.join(home, 'dsx-connect.yaml'),
      temporal: { address: '127.0.0.1:7233', namespace: 'default', codecKeys: [] },
      results: [],
      scanners: {},
      connectors: [],
      schedules: [],
      remote: { auth: false, tokens: [], quietMs: 60_000 },
      roles: ['orchestrator', 'scan'],
      patienceMs: 30_000,
      page: { items: 5000, bytes: 2 ** 30 },
      pageSlots: 4,
      versioning: 'on',
    });
  });

  it('are complete for the API', () => {
    expect(api()).toMatchObject({ host: '127.0.0.1', port: 8586, loopback: true, folderScans: true });
    expect(api().apiKey).toBeUndefined();
  });

  it('put the state where XDG says, an empty variable counting as unset', () => {
    const at = (env: NodeJS.ProcessEnv) => loadWorkerConfig(env).home;
    expect(at({ HOME: home })).toBe(path.join(home, '.local/state/dsx-connect'));
    expect(at({ HOME: home, XDG_STATE_HOME: path.join(home, 'state'), DSX_HOME: '' })).toBe(
      path.join(home, 'state/dsx-connect'),
    );
    expect(at({ HOME: home, XDG_STATE_HOME: 'relative' })).toBe(path.join(home, '.local/state/dsx-connect'));
    expect(at({ DSX_HOME: `${home}/a/../b/` })).toBe(path.join(home, 'b'));
  });
});

describe('variables', () => {
  it('are read in the forms that people write', () => {
    const config = worker({
      APP_ENV: 'PROD',
      LOG_LEVEL: 'WARNING',
      REDIS_URL: 'redis://:hush@127.0.0.1:6379/3',
      DSXA_SCANNER_URL: 'https://Scanner.example:8443/scan/binary/v2',
      DSXA_AUTH_TOKEN: 'hush-hush',
      DSXA_PROTECTED_ENTITY: '7',
      DSXA_METADATA: 'ON',
      DSXA_MAX_BYTES: '2 GiB',
      DSXA_BYTES_IN_FLIGHT: '512MB',
      DSXCONNECT_WORKER_ROLES: 'scan',
      DSXCONNECT_SITE: 'berlin',
    });
    expect(config).toMatchObject({ appEnv: 'prod', logLevel: 'warn', roles: ['scan'], site: 'berlin' });
    expect(config.scanners.dsxa).toMatchObject({
      url: 'https://scanner.example:8443',
      standIn: false,
      protectedEntity: 7,
      metadata: true,
      maxBytes: 2 ** 31,
      bytesInFlight: 512_000_000,
      concurrency: 64,
    });
    expect(config.scanners.dsxa?.token?.reveal()).toBe('hush-hush');
    expect(config.redis?.url.reveal()).toBe('redis://:hush@127.0.0.1:6379/3');
  });

  it('never show a secret when printed, and are frozen', () => {
    const config = worker({
      REDIS_URL: 'redis://anna:hush@127.0.0.1:6379/3',
      DSXA_SCANNER_URL: 'http://scanner',
      DSXA_AUTH_TOKEN: 'hush-hush',
    });
    for (const printed of [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      `${config.redis?.url}`,
    ]) {
      expect(printed).not.toMatch(/hush|anna/);
      expect(printed).toContain('127.0.0.1:6379');
    }
    expect(Object.isFrozen(config) && Object.isFrozen(config.scanners.dsxa) && Object.isFrozen(config.page)).toBe(true);
  });

  it('of the former product are taken under their old names', () => {
    const config = worker({
      DSXCONNECT_SCANNER__SCAN_BINARY_URL: 'http://scanner:5000/scan/binary/v2',
      DSXCONNECT_SCANNER__AUTH_TOKEN: 'token',
      DSXCONNECT_REDIS_URL: 'redis://old:6379/3',
      APP_ENV: 'stg',
    });
    expect(config).toMatchObject({ appEnv: 'stag', scanners: { dsxa: { url: 'http://scanner:5000' } } });
    expect(config.redis?.url.reveal()).toBe('redis://old:6379/3');
  });

  it('that the container platform sets by itself are left alone', () => {
    const env = { DSXA_SERVICE_HOST: '10.0.0.1', DSXA_PORT: 'tcp://10.0.0.1:80', DSXA_PORT_80_TCP_ADDR: '10.0.0.1' };
    expect(problems(() => worker(env))).toEqual([]);
    expect(problems(() => api({ API_PORT: 'tcp://10.0.0.1:8586' }))[0]?.text).toContain('service links');
  });

  const refused: readonly [NodeJS.ProcessEnv, string, string, RegExp][] = [
    [{ APP_ENV: 'production' }, 'APP_ENV', 'invalid_variable', /dev, stag or prod/],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL', 'invalid_variable', /one of trace/],
    [{ DSX_LEDGER: 'ledger' }, 'DSX_LEDGER', 'invalid_variable', /absolute path/],
    [{ DSX_LEDGER: 'http://bucket/x' }, 'DSX_LEDGER', 'invalid_variable', /s3:\/\/bucket\/prefix/],
    [{ DSX_LEDGER: 'az://container/x' }, 'DSX_LEDGER', 'invalid_variable', /az:\/\/account\/container\/prefix/],
    [{ DSX_LEDGER: 's3://bucket/a b' }, 'DSX_LEDGER', 'invalid_variable', /s3:\/\/bucket\/prefix/],
    [{ DSX_LEDGER: 's3://b/x', DSX_LEDGER_REGION: 'r' }, 'DSX_LEDGER', 'invalid_variable', /s3:\/\/bucket\/prefix/],
    [
      { DSX_LEDGER_REGION: 'r' },
      'DSX_LEDGER_REGION',
      'conflicting_variables',
      /is for a ledger at s3:\/\/, and the ledger/,
    ],
    [
      { DSX_LEDGER: 'gs://bucket/x', DSX_LEDGER_SAS_TOKEN: 'sv=1' },
      'DSX_LEDGER_SAS_TOKEN',
      'conflicting_variables',
      /is for a ledger at az:\/\//,
    ],
    [
      { DSX_LEDGER: 's3://bucket/x', DSX_LEDGER_ACCESS_KEY_ID: 'id' },
      'DSX_LEDGER_SECRET_ACCESS_KEY',
      'conflicting_variables',
      /both its id and its secret/,
    ],
    [
      { DSX_LEDGER: 'az://account/container', DSX_LEDGER_ENDPOINT: 'https://x/?sig=secret' },
      'DSX_LEDGER_ENDPOINT',
      'invalid_variable',
      /without user, query/,
    ],
    [
      { DSX_LEDGER: 'gs://bucket/x', DSX_LEDGER_CREDENTIALS_FILE: '/nowhere' },
      'DSX_LEDGER_CREDENTIALS_FILE',
      'unreadable_file',
      /no file/,
    ],
    [{ DSX_LEDGER_REGOIN: 'r' }, 'DSX_LEDGER_REGOIN', 'unknown_variable', /DSX_LEDGER_REGION/],
    [{ DSX_CONFIG: '/nowhere/x.yaml' }, 'DSX_CONFIG', 'unreadable_file', /there is no file \/nowhere\/x.yaml/],
    [{ REDIS_URL: 'http://x' }, 'REDIS_URL', 'invalid_variable', /redis:\/\//],
    [{ TEMPORAL_ADDRESS: 'http://x:7233' }, 'TEMPORAL_ADDRESS', 'invalid_variable', /host:port/],
    [{ TEMPORAL_ADDRESS: 'x:99999' }, 'TEMPORAL_ADDRESS', 'invalid_variable', /host:port/],
    [{ TEMPORAL_TLS_CA_FILE: '/nowhere' }, 'TEMPORAL_TLS_CA_FILE', 'unreadable_file', /no file/],
    [{ DSXA_SCANNER_URL: 'scanner:5000' }, 'DSXA_SCANNER_URL', 'invalid_variable', /http/],
    [{ DSXA_SCANNER_URL: 'http://u:p@scanner' }, 'DSXA_SCANNER_URL', 'invalid_variable', /http/],
    [{ DSXA_SCANNER_URL: 'http://scanner/other' }, 'DSXA_SCANNER_URL', 'invalid_variable', /http/],
    [{ DSXA_SCANNER_URL: 'http://s', DSXA_AUTH_TOKEN: 'a b' }, 'DSXA_AUTH_TOKEN', 'invalid_variable', /without spaces/],
    [{ DSXA_SCANNER_URL: 'http://s', DSXA_CA_FILE: '/nowhere' }, 'DSXA_CA_FILE', 'unreadable_file', /no file/],
    [
      { DSXA_SCANNER_URL: 'http://s', DSXA_AUTH_TOKEN_FILE: '/' },
      'DSXA_AUTH_TOKEN_FILE',
      'unreadable_file',
      /not a file/,
    ],
    [{ DSXA_CONCURRENCY: '0' }, 'DSXA_CONCURRENCY', 'invalid_variable', /from 1 to 4096 \(it is "0"\)/],
    [{ DSXA_CONCURRENCY: '1e3' }, 'DSXA_CONCURRENCY', 'invalid_variable', /whole number/],
    [{ DSXA_MAX_BYTES: '2 Gigs' }, 'DSXA_MAX_BYTES', 'invalid_variable', /2 GiB/],
    [{ DSXA_STANDIN_URL: 'http://s', APP_ENV: 'prod' }, 'DSXA_STANDIN_URL', 'unsafe', /no malware scanner/],
    [{ DSXCONNECT_PAGE_ITEMS: '10001' }, 'DSXCONNECT_PAGE_ITEMS', 'invalid_variable', /1 to 10000/],
    [{ DSXCONNECT_WORKER_ROLES: 'scan,clean' }, 'DSXCONNECT_WORKER_ROLES', 'invalid_variable', /orchestrator, scan/],
    [{ DSXCONNECT_SITE: 'Berlin 1' }, 'DSXCONNECT_SITE', 'invalid_variable', /lower-case/],
    [{ DSXA_SCANER_URL: 'x' }, 'DSXA_SCANER_URL', 'unknown_variable', /did you mean DSXA_SCANNER_URL/],
    [{ DSXCONNECT_PAGE_ITEM: '1' }, 'DSXCONNECT_PAGE_ITEM', 'unknown_variable', /did you mean DSXCONNECT_PAGE_ITEMS/],
    [{ DSXA_URL: 'x' }, 'DSXA_URL', 'unknown_variable', /did you mean DSXA_SCANNER_URL/],
    [{ DSXA_SOMETHING: 'x' }, 'DSXA_SOMETHING', 'unknown_variable', /the nearest is DSXA_\w+\)/],
    [{ DSXCONNECT_AUTH__JWT_SECRET: 'x' }, 'DSXCONNECT_AUTH__JWT_SECRET', 'unknown_variable', /no effect/],
    [{ APP_ENV: 'dev', DSXCONNECT_APP_ENV: 'prod' }, 'APP_ENV', 'conflicting_variables', /DSXCONNECT_APP_ENV/],
  ];
  it.each(refused)('%j is refused', (env, variable, code, text) => {
    expect(problems(() => worker(env))).toMatchObject([{ variable, code, text: expect.stringMatching(text) }]);
  });

  it('are refused all at once, in one message without secrets', () => {
    const env = {
      REDIS_URL: 'hush://x',
      DSXA_SCANNER_URL: 'https://anna:hush@scanner',
      DSXA_CONCURRENCY: 'many',
      DSXCONNECT_FOO: 'hush',
    };
    expect(
      problems(() => worker(env))
        .map((problem) => problem.variable)
        .sort(),
    ).toEqual(['DSXA_CONCURRENCY', 'DSXA_SCANNER_URL', 'DSXCONNECT_FOO', 'REDIS_URL']);
    expect(() => worker(env)).not.toThrow(/hush/);
    expect(() => worker(env)).toThrow(/^DSXCONNECT_FOO: .*\n/);
  });

  it('of TLS for Temporal need each other', () => {
    const { cert, key } = localCertificate();
    const pem = put('x.pem', `${cert}${key}`);
    expect(problems(() => worker({ TEMPORAL_TLS_CERT_FILE: pem }))).toMatchObject([
      { variable: 'TEMPORAL_TLS_KEY_FILE' },
    ]);
    expect(problems(() => worker({ TEMPORAL_TLS_CA_FILE: pem, TEMPORAL_TLS: 'off' }))).toMatchObject([
      { variable: 'TEMPORAL_TLS' },
    ]);
    expect(worker({ TEMPORAL_TLS: 'on' }).temporal.tls).toEqual({});
    const all = { TEMPORAL_TLS_CERT_FILE: pem, TEMPORAL_TLS_KEY_FILE: pem, TEMPORAL_TLS_CA_FILE: pem };
    expect(worker(all).temporal.tls).toEqual({ certFile: pem, keyFile: pem, caFile: pem });
  });
});

describe('the API', () => {
  it.each(['0.0.0.0', '0', '::', '::ffff:0.0.0.0', 'fe80::1%eth0', '10.0.0.1', '127.1', 'api.example.com', '[::]'])(
    'on %s needs a key',
    (host) => {
      expect(problems(() => api({ API_HOST: host }))).toMatchObject([
        { code: 'unsafe', variable: 'API_HOST', text: expect.stringContaining('DSXCONNECT_API_KEY_FILE') },
      ]);
    },
  );

  it.each(['127.0.0.1', '127.9.9.9', 'localhost', '::1', '[::1]'])('on %s needs none', (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(api({ API_HOST: host })).toMatchObject({ loopback: true, folderScans: true });
  });

  it('reads its key, and switches folder scans off for everybody else', () => {
    const config = api({ API_HOST: '0.0.0.0', DSXCONNECT_API_KEY_FILE: put('key', '0123456789abcdef\n') });
    expect(config.apiKey?.reveal()).toBe('0123456789abcdef');
    expect(config).toMatchObject({ loopback: false, folderScans: false });
    expect(api({ DSXCONNECT_FOLDER_SCANS: 'off' }).folderScans).toBe(false);
  });

  it.each([
    ['', /is empty/],
    [' \n', /is empty/],
    ['0123456789abcde', /15 characters, at least 16/],
    ['0123456789 abcdef', /one line/],
    ['0123456789abcdef\n0123456789abcdef', /one line/],
    ['x'.repeat(70_000), /larger/],
  ])('refuses the key file %j', (text, message) => {
    const file = put('key', text);
    expect(problems(() => api({ DSXCONNECT_API_KEY_FILE: file }))).toMatchObject([
      { code: 'unreadable_file', variable: 'DSXCONNECT_API_KEY_FILE', text: expect.stringMatching(message) },
    ]);
  });

  it('refuses a key file that is not there, also where it would need none', () => {
    expect(problems(() => api({ DSXCONNECT_API_KEY_FILE: path.join(home, 'none') }))).toHaveLength(1);
    expect(problems(() => api({ API_HOST: '0.0.0.0', DSXCONNECT_API_KEY_FILE: home }))).toHaveLength(1);
  });

  it('with TLS needs both files', () => {
    expect(problems(() => api({ USE_TLS: 'true' })).map((problem) => problem.variable)).toEqual([
      'TLS_CERT_FILE',
      'TLS_KEY_FILE',
    ]);
    const { cert, key } = localCertificate();
    const pem = put('x.pem', `${cert}${key}`);
    expect(api({ USE_TLS: '1', TLS_CERT_FILE: pem, TLS_KEY_FILE: pem }).tls).toEqual({
      certFile: pem,
      keyFile: pem,
      minVersion: '1.2',
    });
  });
});

describe('the table of variables', () => {
  it('is what the schemas read', () => {
    const names = (process: string) =>
      ENVIRONMENT.filter((v) => v.processes.some((p) => p === process)).map((v) => v.name);
    expect(Object.keys(workerSchema.shape).sort()).toEqual(names('worker').sort());
    expect(Object.keys(apiSchema.shape).sort()).toEqual(names('api').sort());
  });

  it('has each name once', () => {
    const all = ENVIRONMENT.flatMap((v) => [v.name, ...v.aliases]);
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('the token of the scanner', () => {
  it('comes from a file, or from a variable, not from both', () => {
    const file = put('token', 'hush-hush\n');
    const env = { DSXA_SCANNER_URL: 'http://s', DSXA_AUTH_TOKEN_FILE: file };
    expect(worker(env).scanners.dsxa?.token?.reveal()).toBe('hush-hush');
    expect(problems(() => worker({ ...env, DSXA_AUTH_TOKEN: 'other' }))).toMatchObject([
      { code: 'conflicting_variables' },
    ]);
  });

  it('never travels to an address it was not written down with', () => {
    mkdirSync(path.join(home, 'sub'));
    put('token', 'hush-hush');
    put('dsx-connect.yaml', 'scanner: { url: "https://one", tokenFile: token, protectedEntity: 3 }\n');
    expect(worker().scanners.dsxa).toMatchObject({ url: 'https://one', protectedEntity: 3 });
    expect(worker().scanners.dsxa?.token?.reveal()).toBe('hush-hush');
    expect(worker({ DSXA_SCANNER_URL: 'https://two' }).scanners.dsxa).toEqual({
      name: 'dsxa',
      url: 'https://two',
      standIn: false,
      verifyTls: true,
      metadata: false,
      maxBytes: 2 ** 31,
      concurrency: 64,
      bytesInFlight: 2 ** 30,
    });
  });
});

describe('addresses that may be named although they are not public', () => {
  it('are ranges, addresses, hosts and all below a name', () => {
    const entries = '10.1.0.0/16, fd12::/64,10.1.2.3, storage.corp.example,.dmz.corp.example';
    expect(worker({ DSXCONNECT_ALLOWED_ADDRESSES: entries }).allowedAddresses).toEqual([
      { kind: 'addresses', cidr: '10.1.0.0/16' },
      { kind: 'addresses', cidr: 'fd12::/64' },
      { kind: 'addresses', cidr: '10.1.2.3/32' },
      { kind: 'host', host: 'storage.corp.example' },
      { kind: 'host', host: '.dmz.corp.example' },
    ]);
  });

  it('are named in the error when they are none', () => {
    expect(() => worker({ DSXCONNECT_ALLOWED_ADDRESSES: '10.0.0.0/8,http://x' })).toThrow(/"http:\/\/x" is no address/);
  });
});
