import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../../cli/home.ts';
import { TEMPORAL_SETTINGS } from '../../cli/stack/temporal-config.ts';
import { ENVIRONMENT } from '../../config/environment.ts';
import { optionsFromEnv } from '../../scanner/standin/options.ts';
import { composed, OURS, type Service } from './compose.ts';
import { installTools, tool } from './tools.ts';

const KEY = { DSXCONNECT_API_KEY_FILE: '/run/key' };
let services: Record<string, Service>;
beforeAll(async () => {
  await installTools();
  services = await composed(KEY);
}, 180_000);

const service = (name: string): Service => {
  const found = services[name];
  if (!found) throw new Error(`no service ${name}`);
  return found;
};

test('the compose file is valid, and is refused without a key for the API', async () => {
  expect(await tool('docker-compose', ['config', '-q'], KEY)).toEqual({ code: 0, output: '' });
  const without = await tool('docker-compose', ['config', '-q']);
  expect(without.code).not.toBe(0);
  expect(without.output).toContain('DSXCONNECT_API_KEY_FILE');
});

test('the stand-in runs only by its profile', async () => {
  const { output } = await tool('docker-compose', ['config', '--services'], KEY);
  expect(output.split('\n')).toContain('api');
  expect(output.split('\n')).not.toContain('standin');
});

test('each of our services runs a script that is there', () => {
  for (const name of OURS) {
    const [script = ''] = service(name).command ?? [];
    expect(existsSync(path.join(ROOT, script)), `${name}: ${script}`).toBe(true);
  }
});

test('each variable that our services are given is one that they read', () => {
  for (const name of ['api', 'worker'] as const) {
    const known = ENVIRONMENT.filter(({ processes }) => processes.includes(name)).map((variable) => variable.name);
    expect(known).toEqual(expect.arrayContaining(Object.keys(service(name).environment ?? {})));
  }
  expect(optionsFromEnv(service('standin').environment ?? {})).toMatchObject({ host: '0.0.0.0', port: 5000 });
});

test('the variables of .env.example are known to the settings or to the compose file', () => {
  const compose = readFileSync(path.join(ROOT, 'docker-compose.yaml'), 'utf8');
  const used = new Set([...compose.matchAll(/\$\{([A-Z_]+)/g)].map((match) => match[1]));
  const known = new Set([...ENVIRONMENT.map(({ name }) => name), ...used]);
  const text = readFileSync(path.join(ROOT, '.env.example'), 'utf8');
  const named = [...text.matchAll(/^#?([A-Z][A-Z_]+)=/gm)].map((match) => match[1]);
  expect(named).toContain('DSXA_SCANNER_URL');
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

test('only the API is published beyond this machine', () => {
  const open = Object.entries(services).filter(([, { ports }]) => ports?.some((port) => port.host_ip !== '127.0.0.1'));
  expect(open.map(([name]) => name)).toEqual(['api']);
  expect(service('api').ports).toMatchObject([{ target: 8586, published: '8586' }]);
  expect(service('redis').ports).toBeUndefined();
  expect(service('postgres').ports).toBeUndefined();
});

test('API_PORT is the port outside, the key is a secret, and both processes see one ledger', async () => {
  const api = (await composed({ ...KEY, API_PORT: '9000' })).api;
  expect(api?.ports).toMatchObject([{ target: 8586, published: '9000' }]);
  expect(api?.environment?.DSXCONNECT_API_KEY_FILE).toBe('/run/secrets/api_key');
  expect(api?.secrets).toMatchObject([{ source: 'api_key' }]);
  for (const name of ['api', 'worker']) {
    expect(service(name).volumes).toContainEqual(
      expect.objectContaining({ source: 'ledger', target: '/var/lib/dsx-connect' }),
    );
  }
  expect(service('worker').volumes).toContainEqual(expect.objectContaining({ target: '/data', read_only: true }));
});

test('Temporal honours the fairness keys', () => {
  const settings = parse(readFileSync(path.join(ROOT, 'deploy/temporal/dynamic-config.yaml'), 'utf8')) as unknown;
  const same = Object.entries(TEMPORAL_SETTINGS).map(([name, value]) => [name, [{ value }]]);
  expect(settings).toEqual(Object.fromEntries(same));
  const mounted = service('temporal').volumes?.find(({ source }) => source.endsWith('dynamic-config.yaml'));
  expect(mounted?.target).toBe(service('temporal').environment?.DYNAMIC_CONFIG_FILE_PATH);
});
