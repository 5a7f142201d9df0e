import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiClient } from '../../api/client.ts';
import { API_PREFIX } from '../../api/contract.ts';
import { EICAR, writeFiles } from '../support/files.ts';
import { historyText } from '../support/history.ts';
import { Plant } from '../support/plant.ts';
import { startValkey, type ValkeyServer } from '../support/valkey.ts';

/** One for each secret setting, with characters that change when they are written into an address. */
const NAMES = [
  ...['s3Id', 's3Secret', 's3Session', 's3External', 'azureKey', 'azureSecret', 'gcs', 'graph', 'archive'],
  ...['webhook', 'redis', 'scanner', 'api', 'codec', 'azureSas', 'azureText', 'signed', 'enrolment', 'remote'],
] as const;
type Name = (typeof NAMES)[number];
const canary = (name: Name): string => `Canary+${name}/7f3a91c2d4`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** As it is, in an address, and inside of base64 at each of its three offsets. */
function forms(name: Name): string[] {
  const text = canary(name);
  const shifted = [0, 1, 2].map((shift) => base64('x'.repeat(shift) + text).slice(shift === 0 ? 0 : 4, -4));
  return [text, encodeURIComponent(text), ...shifted];
}
const CODEC_KEY = base64(canary('codec').padEnd(32, 'x').slice(0, 32));

let plant: Plant;
let redis: ValkeyServer;
let config: string;
const texts: Record<string, string> = {};

beforeAll(async () => {
  [plant, redis] = await Promise.all([Plant.start(), startValkey({ args: ['--requirepass', canary('redis')] })]);
  const asset = path.join(plant.folder, 'share');
  mkdirSync(asset);
  writeFiles(asset, { 'bad.com': EICAR, 'plain.txt': 'plain' });
  config = path.join(plant.home, 'dsx-connect.yaml');
  const dead = 'https://127.0.0.1:1';
  const keys = `accessKeyId: "\${S3_ID}", secretAccessKey: "\${S3_SECRET}", sessionToken: "\${S3_SESSION}"`;
  const app = 'tenantId: t.example.com, clientId: 3f0c0a52-0000-4000-8000-000000000001, clientSecret';
  writeFileSync(
    config,
    `connectors:
  - { id: share, kind: filesystem, asset: ${asset}, scanPassword: "\${ARCHIVE}" }
  - { id: s3, kind: aws_s3, asset: bucket, endpoint: "${dead}", ${keys} }
  - { id: azure-key, kind: azure_blob_storage, asset: box, endpoint: "${dead}/acc", account: acc, accountKey: "\${AZURE_KEY}" }
  - { id: azure-app, kind: azure_blob_storage, asset: box, endpoint: "${dead}/acc", authorityHost: "${dead}", ${app}: "\${AZURE_SECRET}" }
  - { id: azure-sas, kind: azure_blob_storage, asset: box, endpoint: "${dead}/acc", account: acc, sas: "\${AZURE_SAS}" }
  - { id: azure-text, kind: azure_blob_storage, asset: box, connectionString: "\${AZURE_TEXT}", watch: { webhook: [{ source: signed, secret: "\${SIGNED}" }] } }
  - { id: s3-role, kind: aws_s3, asset: bucket, region: eu-central-1, roleArn: "arn:aws:iam::123456789012:role/x", externalId: "\${S3_EXTERNAL}", ${keys} }
  - { id: gcs, kind: google_cloud_storage, asset: bucket, endpoint: "${dead}", credentials: "\${GCS}" }
  - { id: graph, kind: sharepoint, asset: "", hostname: x.sharepoint.com, graphUrl: "${dead}", authorityUrl: "${dead}", ${app}: "\${GRAPH}" }
results:
  - { id: hook, kind: webhook, url: "${dead}/hook", secret: "\${HOOK}", privateAddress: on }
`,
  );
}, 60_000);
afterAll(async () => {
  await plant.stop();
  await redis.stop();
});

const secrets = (): Record<string, string> => ({
  S3_ID: canary('s3Id'),
  S3_SECRET: canary('s3Secret'),
  S3_SESSION: canary('s3Session'),
  AZURE_KEY: base64(canary('azureKey')),
  AZURE_SECRET: canary('azureSecret'),
  AZURE_SAS: `sv=2024-11-04&sp=rl&sig=${encodeURIComponent(canary('azureSas'))}`,
  AZURE_TEXT: `BlobEndpoint=https://127.0.0.1:1/acc;AccountName=acc;AccountKey=${base64(canary('azureText'))}`,
  SIGNED: base64(canary('signed').padEnd(33, 'x')),
  S3_EXTERNAL: canary('s3External'),
  GCS: JSON.stringify({ type: 'service_account', client_email: 'a@b.example.com', private_key: canary('gcs') }),
  GRAPH: canary('graph'),
  ARCHIVE: canary('archive'),
  HOOK: `whsec_${base64(canary('webhook'))}`,
});

/** The API as a process, which logs all that it ever would. */
async function api(env: Record<string, string>): Promise<{ origin: string; log: () => string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, '../../api/main.ts')], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (log += chunk));
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const origin = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { address: string }).address));
    child.once('exit', () => reject(new Error(log)));
  });
  return {
    origin,
    log: () => log,
    stop: async () => {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** Secrets that the API makes and tells once: of a remote connector, and of a caller, which then uses it. */
async function handedOut(origin: string): Promise<string[]> {
  const post = async (route: string, body: object, headers: Record<string, string>) => {
    const type = { 'content-type': 'application/json' };
    const sent = { method: 'POST', headers: { ...type, ...headers }, body: JSON.stringify(body) };
    const answer = await fetch(`${origin}${API_PREFIX}/${route}`, sent);
    expect(answer.status, await answer.clone().text()).toBe(201);
    return (await answer.json()) as Record<string, string>;
  };
  const uuid = randomUUID();
  const model = { name: 'fs', uuid, url: 'http://127.0.0.1:1/fs', status: 'ready' };
  const remote = await post('connectors/register', model, { 'x-enrollment-token': canary('enrolment') });
  const made = await post('keys', { name: `n-${uuid}`, role: 'viewer' }, { authorization: `Bearer ${canary('api')}` });
  const { hmac_secret: secret = '' } = remote;
  const { key = '' } = made;
  expect((await createApiClient({ origin, key }).jobs()).jobs).toBeDefined();
  expect([secret.length, key.length].every((length) => length > 40)).toBe(true);
  return [secret, key, key.split('_')[2] ?? key];
}

async function redisText(): Promise<string> {
  const client = createClient({ url: redis.url, password: canary('redis') });
  await client.connect();
  try {
    const found: unknown[] = [];
    for (const key of await client.keys('*')) {
      const read: Record<string, () => Promise<unknown>> = {
        string: () => client.get(key),
        hash: () => client.hGetAll(key),
        set: () => client.sMembers(key),
        zset: () => client.zRange(key, 0, -1),
        stream: () => client.xRange(key, '-', '+'),
      };
      found.push(key, await read[await client.type(key)]?.());
    }
    return JSON.stringify(found);
  } finally {
    client.destroy();
  }
}

function stateText(): string {
  const folder = path.join(plant.home, 'state');
  return globSync('**/*', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('workflows'))
    .map((entry) => {
      const bytes = readFileSync(path.join(entry.parentPath, entry.name));
      return (entry.name.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString('latin1');
    })
    .join('\n');
}

describe.each(['plain', 'encrypted'] as const)('with %s payloads', (mode) => {
  it('no secret is in any log, history, status or ledger, after scans, failures and checks', async () => {
    const keyFile = path.join(plant.home, 'api-key');
    writeFileSync(keyFile, canary('api'));
    const remoteKeyFile = path.join(plant.home, 'remote-key');
    writeFileSync(remoteKeyFile, canary('remote').padEnd(40, 'x'));
    const env = {
      ...secrets(),
      DSX_CONFIG: config,
      LOG_LEVEL: 'trace',
      REDIS_URL: `redis://:${encodeURIComponent(canary('redis'))}@127.0.0.1:${redis.port}`,
      // The stand-in in the scanner's place: it is sent the token, and refused.
      DSXA_SCANNER_URL: plant.standin.url,
      DSXA_AUTH_TOKEN: canary('scanner'),
      AWS_ENDPOINT_URL_STS: 'https://127.0.0.1:1',
      DSXCONNECT_AUTH__ENABLED: 'on',
      DSXCONNECT_REMOTE_KEY_FILE: remoteKeyFile,
      ...(mode === 'encrypted' && { DSXCONNECT_CODEC_KEYS: `k:${CODEC_KEY}` }),
    };
    const worker = await plant.worker(env);
    const server = await api({
      ...env,
      PATH: process.env.PATH ?? '',
      HOME: plant.home,
      DSX_HOME: path.join(plant.home, 'state'),
      TEMPORAL_ADDRESS: plant.temporal.address,
      DSXA_STANDIN_URL: plant.standin.url,
      DSXCONNECT_API_KEY_FILE: keyFile,
      DSXCONNECT_AUTH__ENROLLMENT_TOKEN: canary('enrolment'),
      API_PORT: '0',
    });
    const client = createApiClient({ origin: server.origin, key: canary('api') });
    const outsider = createApiClient({ origin: server.origin, key: `${canary('api')}x` });
    await expect(outsider.jobs()).rejects.toMatchObject({ status: 401 });
    const { job } = await client.startJob({ connector: 'share', scanner: 'standin' });
    for await (const _ of client.events(job)) {
      // Till its end.
    }
    expect((await client.job(job)).counters.outcomes).toMatchObject({ clean: 1, malicious: 1 });
    const given = await handedOut(server.origin);
    for (const connector of [
      's3',
      's3-role',
      'azure-key',
      'azure-app',
      'azure-sas',
      'azure-text',
      'gcs',
      'graph',
      'share',
    ]) {
      await client.check({ connector }).catch(() => undefined);
      await client.preview({ connector }).catch(() => undefined);
    }
    const failing = await client.startJob({ connector: 's3', scanner: 'standin' });
    const held = await client.startJob({ connector: 'share', scanner: 'dsxa' });
    await client.testScanner('dsxa').catch(() => undefined);
    await client.readyz();
    await expect.poll(async () => (await client.job(failing.job)).state, { timeout: 30_000 }).not.toBe('running');
    for (const one of [failing.job, held.job]) await client.cancel(one).catch(() => undefined);

    const histories: string[] = [];
    for await (const run of plant.client.workflow.list())
      histories.push(await historyText(plant.client, run.workflowId));
    expect(histories.length).toBeGreaterThan(5);
    worker.kill('SIGTERM');
    await Promise.all([worker.gone, server.stop()]);
    Object.assign(texts, {
      'log of the worker': worker.log(),
      'log of the API': server.log(),
      histories: histories.join('\n'),
      redis: await redisText(),
      'ledger and state': stateText(),
    });
    for (const [where, text] of Object.entries(texts)) {
      expect(text.length, where).toBeGreaterThan(100);
      for (const name of NAMES)
        for (const form of forms(name)) expect(text.includes(form), `${name} as ${form} in ${where}`).toBe(false);
      expect(text.includes(CODEC_KEY), `the codec key in ${where}`).toBe(false);
      for (const secret of given) expect(text.includes(secret), `${secret} in ${where}`).toBe(false);
    }
    // The search would find what is there.
    expect(texts['ledger and state']).toContain('bad.com');
    expect(texts.redis).toContain('bad.com');
  }, 120_000);
});
