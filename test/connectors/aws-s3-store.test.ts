import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createAwsS3Connector } from '../../connectors/aws-s3/connector.ts';
import type { AwsS3Settings } from '../../connectors/aws-s3/settings.ts';
import type { Connector } from '../../connectors/connector.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { type S3Server, startSeaweedfs } from '../../scripts/servers/seaweedfs.ts';
import { intentOn, listed } from './conformance.ts';
import type { FrontRequest, Treatment } from './http-front.ts';
import { Bucket, type S3Store } from './s3-store.ts';

const signal = new AbortController().signal;
const at = (text: string) => Buffer.from(text);

let server: S3Server;
let bucket: Bucket;
let other: Bucket;
const stores: S3Store[] = [];

beforeAll(async () => {
  server = await startSeaweedfs();
  bucket = await Bucket.make(server, 'plain');
  other = await Bucket.make(server, 'another');
}, 120_000);
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});
afterAll(() => server?.stop());

async function storeOf(settings: Partial<AwsS3Settings> = {}): Promise<S3Store> {
  const store = await bucket.store(settings);
  stores.push(store);
  return store;
}

async function failureOf(call: Promise<unknown>): Promise<ConnectorError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConnectorError) return error;
  throw error ?? new Error('nothing was raised');
}

const refusal = (status: number, code: string, headers: Record<string, string> = {}): Treatment => ({
  status,
  headers: { 'content-type': 'application/xml', ...headers },
  body: `<Error><Code>${code}</Code></Error>`,
});

describe('what is listed', () => {
  test('marks of folders are no items', async () => {
    const store = await storeOf();
    await store.put(at('folder/'), at(''));
    await store.put(at('folder/x'), at('x'));
    const events = await store.connector
      .list({ includes: () => true, mayEnter: () => true }, undefined)
      .nextBatch(9, signal);
    const names = events.map((event) => (event.kind === 'item' ? event.item.location : event.kind));
    expect(names).toEqual(['folder/x']);
    expect((await failureOf(store.connector.open({ location: 'folder/' }, signal))).code).toBe('not_an_item');
  });

  test('quarantine within the asset is left out by its exact prefix', async () => {
    const store = await storeOf({ assets: ['plain'], quarantine: 'quarantine-of-this' });
    await bucket.put('quarantine-of-this/x', at('x'));
    await bucket.put('quarantine-of-this-not/x', at('x'));
    await bucket.put('quarantine-of-this0', at('x'));
    expect((await listed(store.connector)).map((item) => item.location)).toEqual([
      'quarantine-of-this-not/x',
      'quarantine-of-this0',
    ]);
    expect((await failureOf(store.connector.open({ location: 'quarantine-of-this/x' }, signal))).code).toBe(
      'not_an_item',
    );
    for (const key of ['quarantine-of-this/x', 'quarantine-of-this-not/x', 'quarantine-of-this0'])
      await bucket.remove(key);
  });

  test('several assets are one listing in the order of locations, each leading to its own bucket', async () => {
    const store = await storeOf({ assets: ['plain/m/', 'another/z', 'another/a/'], quarantine: 's3://plain/q' });
    for (const [where, key] of [
      [bucket, 'm/1'],
      [bucket, 'n/1'],
      [other, 'a/1'],
      [other, 'b/1'],
      [other, 'z/1'],
    ] as const) {
      await where.put(key, at(key));
    }
    const items = await listed(store.connector);
    expect(items.map((item) => item.location)).toEqual(['another/a/1', 'another/z/1', 'plain/m/1']);
    for (const location of ['another/b/1', 'plain/n/1', 'third/x', 'another', 'another/a/']) {
      expect((await failureOf(store.connector.open({ location }, signal))).code).toBe('not_an_item');
    }
    const intent = await intentOn(store.connector, { location: 'another/z/1' }, 'move');
    const report = await store.connector.act(intent, signal);
    expect(report).toMatchObject({ state: 'done', destination: `s3://plain/q/${intent.destination}` });
    expect((await bucket.bytes(`q/${intent.destination}`)).toString()).toBe('z/1');
    expect((await listed(store.connector)).map((item) => item.location)).toEqual(['another/a/1', 'plain/m/1']);
    for (const key of ['m/1', 'n/1', `q/${intent.destination}`]) await bucket.remove(key);
    for (const key of ['a/1', 'b/1']) await other.remove(key);
  });

  test('what lies in an archive is told before it is read, unless a copy of it is there', async () => {
    const store = await storeOf();
    const entry = (key: string, storageClass: string, more = '') =>
      `<Contents><Key>${store.prefix}${key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>"e"</ETag>` +
      `<Size>3</Size><StorageClass>${storageClass}</StorageClass>${more}</Contents>`;
    const restored =
      '<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>' +
      '<RestoreExpiryDate>2099-01-01T00:00:00.000Z</RestoreExpiryDate></RestoreStatus>';
    store.front.treat = ({ url }) =>
      url.includes('list-type=2')
        ? {
            status: 200,
            headers: { 'content-type': 'application/xml' },
            body:
              `<ListBucketResult><Name>plain</Name><IsTruncated>false</IsTruncated>${entry('a', 'GLACIER')}` +
              `${entry('b', 'DEEP_ARCHIVE')}${entry('c', 'GLACIER', restored)}${entry('d', 'GLACIER_IR')}</ListBucketResult>`,
          }
        : undefined;
    const items = await listed(store.connector);
    expect(items.map(({ unscannable }) => unscannable?.reason)).toEqual(['archived', 'archived', undefined, undefined]);
  });
});

describe('what a refusal means', () => {
  const opening = (connector: Connector) => connector.open({ location: 'x' }, signal);
  test.each([
    ['an archive', refusal(403, 'InvalidObjectState'), 'archived', /restore|Invalid/],
    ['a key of its owner', refusal(400, 'InvalidRequest'), 'customer_key', /SSE-C/],
    [
      'a key of its owner, refused',
      refusal(403, 'AccessDenied', { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }),
      'customer_key',
      /x/,
    ],
    ['a missing bucket', refusal(404, 'NoSuchBucket'), 'configuration', /no such bucket/],
    [
      'another region',
      refusal(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-1' }),
      'configuration',
      /set region: eu-west-1/,
    ],
    ['a clock that is wrong', refusal(403, 'RequestTimeTooSkewed'), 'credentials', /renew/],
    ['a KMS key that is off', refusal(400, 'KMS.DisabledException'), 'permission_denied', /encryption/],
    ['no permission', refusal(403, 'AccessDenied'), 'permission_denied', /s3:GetObject on arn:aws:s3:::plain/],
    [
      'a proxy that refuses',
      { status: 403, headers: { 'content-type': 'text/html' }, body: '<html><title>no</html>' },
      'configuration',
      /endpoint/,
    ],
  ] as const)('%s', async (_what, treatment, code, message) => {
    const store = await storeOf();
    await store.put(at('x'), at('x'));
    store.front.treat = () => treatment;
    for (const call of [opening(store.connector), store.connector.stat({ location: 'x' }, signal)]) {
      const error = await failureOf(call);
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain(server.secretAccessKey);
    }
  });

  test('without a region, and without an endpoint, it says what to set', async () => {
    const script = `
      const { createAwsS3Connector } = await import(${JSON.stringify(path.resolve('connectors/aws-s3/connector.ts'))});
      const connector = createAwsS3Connector({ id: 'here', assets: ['plain'], access: { kind: 'default' } });
      await connector.stat({ location: 'x' }, new AbortController().signal).catch((error) => console.log(error.code, error.message));
    `;
    const env = { HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true' };
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env });
    expect(stdout).toMatch(/^configuration .*here has no region: set region/);
  });

  test.each([
    [
      'https where the store speaks http',
      (): string => server.endpoint.replace('http:', 'https:'),
      'configuration',
      /NODE_EXTRA_CA_CERTS/,
    ],
    ['a port where nothing listens', (): string => 'http://127.0.0.1:1', 'unreachable', /ECONNREFUSED/],
  ] as const)('%s', async (_what, endpoint, code, message) => {
    const store = await storeOf({ endpoint: endpoint() });
    const error = await failureOf(store.connector.stat({ location: 'x' }, signal));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('a role that can not be taken on is about credentials', async () => {
    const connector = createAwsS3Connector({
      id: 'role',
      assets: ['plain'],
      endpoint: server.endpoint,
      access: { kind: 'default' },
      role: { roleArn: 'arn:aws:iam::123456789012:role/x', webIdentityTokenFile: '/nonexistent/token' },
    });
    const error = await failureOf(connector.stat({ location: 'x' }, signal));
    expect(error.code).toBe('credentials');
    expect(error.message).toMatch(/role\/x/);
    await connector.close();
  });
});

test.each([
  ['an error within a success', refusal(200, 'InternalError'), 'storage_error'],
  ['a refusal', refusal(403, 'AccessDenied'), 'permission_denied'],
] as const)('a copy that is answered by %s leaves the item in its place', async (_what, treatment, code) => {
  const store = await storeOf();
  await store.put(at('evil'), at('evil'));
  const intent = await intentOn(store.connector, { location: 'evil' }, 'move');
  store.front.treat = ({ headers }) => (headers['x-amz-copy-source'] === undefined ? undefined : treatment);
  const report = await store.connector.act(intent, signal);
  expect(report).toMatchObject({ state: 'failed', code });
  expect((await store.contents()).get('evil')?.toString()).toBe('evil');
  store.front.calm();
  expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'applied' });
});

describe('the check', () => {
  const denying = (met: (request: FrontRequest) => boolean) => (request: FrontRequest) =>
    met(request) ? refusal(403, 'AccessDenied') : undefined;

  test.each([
    ['nothing', 's3:GetBucketVersioning', ({ url }: FrontRequest) => url.includes('versioning')],
    ['nothing', 's3:ListBucket', ({ url }: FrontRequest) => url.includes('list-type=2')],
    ['nothing', 's3:GetObject', ({ method, url }: FrontRequest) => method === 'GET' && url.includes('/thing')],
    ['delete', 's3:DeleteObject', ({ method }: FrontRequest) => method === 'DELETE'],
    ['move', 's3:PutObject', ({ method, headers }: FrontRequest) => method === 'PUT' && !headers['x-amz-copy-source']],
    ['tag', 's3:PutObjectTagging', ({ method, url }: FrontRequest) => method === 'PUT' && url.includes('tagging')],
    ['movetag', 's3:GetObjectTagging', ({ method, url }: FrontRequest) => method === 'GET' && url.includes('tagging')],
  ] as const)('for %s names the missing %s', async (action, permission, met) => {
    const store = await storeOf();
    await store.put(at('thing'), at('x'));
    const before = await bucket.keys('');
    store.front.treat = denying(met);
    const report = await store.connector.check(action, signal);
    expect(report.ok).toBe(false);
    const wrong = report.checks.filter(({ ok }) => !ok);
    expect(wrong.map(({ detail }) => detail).join()).toContain(permission);
    store.front.calm();
    expect((await store.connector.check(action, signal)).ok).toBe(true);
    if (permission !== 's3:DeleteObject') expect(await bucket.keys('')).toEqual(before);
  });

  test('says that the requester pays', async () => {
    const store = await storeOf();
    store.front.treat = ({ url }) => {
      if (!url.includes('requestPayment')) return url.includes('list-type') ? refusal(403, 'AccessDenied') : undefined;
      const body = '<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>';
      return { status: 200, headers: { 'content-type': 'application/xml' }, body };
    };
    const report = await store.connector.check('nothing', signal);
    expect(report.checks[0]?.detail).toMatch(/the requester pays for plain, which is not supported/);
  });

  test('a store that ignores conditions is no place for actions', async () => {
    const store = await storeOf();
    store.front.treat = ({ headers }) => {
      if (headers['x-amz-copy-source'] === undefined || headers['if-none-match'] === undefined) return undefined;
      const body = '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>';
      return { status: 200, headers: { 'content-type': 'application/xml' }, body };
    };
    const report = await store.connector.check('move', signal);
    expect(report.checks.at(-1)?.detail).toMatch(/ignores CopySourceIfMatch/);
  });
});

describe('assets', () => {
  test('are the buckets, then the folders of the configured ones, whatever the size of a page', async () => {
    const folders = await Bucket.make(server, 'folders');
    const store = await storeOf({ assets: ['folders'] });
    for (const key of ['f1/x', 'f2/x', 'f2/y', 'f3/deep/x', 'top']) await folders.put(key, at('x'));
    for (const limit of [1, 2, 100]) {
      const found: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await store.connector.assets({ limit, ...(after !== undefined && { after }) }, signal);
        expect(page.assets.length).toBeLessThanOrEqual(limit);
        found.push(...page.assets.map(({ asset }) => asset));
        after = page.next;
        if (after === undefined) break;
      }
      expect(found).toEqual(['another', 'folders', 'plain', 'folders/f1/', 'folders/f2/', 'folders/f3/']);
    }
  });

  test('without the permission to look around it says so', async () => {
    const store = await storeOf();
    store.front.treat = () => refusal(403, 'AccessDenied');
    const error = await failureOf(store.connector.assets({ limit: 10 }, signal));
    expect(error).toMatchObject({ code: 'permission_denied', message: expect.stringContaining('s3:ListAllMyBuckets') });
  });
});
