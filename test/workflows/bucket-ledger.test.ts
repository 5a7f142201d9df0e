import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Secret } from '../../config/secret.ts';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { type S3Server, startSeaweedfs } from '../../scripts/servers/seaweedfs.ts';
import { HttpFront } from '../connectors/http-front.ts';
import { EICAR, writeFiles, writeMany } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';

const PLACE = 's3://ledgers/dsx/ledger';
const FILES = 400;
let server: S3Server;
/** Between the workers and the bucket: what readers see goes straight. */
let front: HttpFront;
let plant: Plant;
let env: Record<string, string>;
let n = 0;
let folder: string;

beforeAll(async () => {
  server = await startSeaweedfs();
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'ledgers' }));
  client.destroy();
  front = await HttpFront.start({ host: '127.0.0.1', port: Number(new URL(endpoint).port) });
  const access = { endpoint, accessKeyId, secretAccessKey: new Secret(secretAccessKey) };
  plant = await Plant.start({ workers: 4 }, [], { place: PLACE, access });
  env = {
    DSX_LEDGER: PLACE,
    DSX_LEDGER_ENDPOINT: `http://127.0.0.1:${front.port}`,
    DSX_LEDGER_ACCESS_KEY_ID: accessKeyId,
    DSX_LEDGER_SECRET_ACCESS_KEY: secretAccessKey,
  };
  await plant.worker({ ...env, DSXCONNECT_PAGE_ITEMS: '100', DSXCONNECT_PATIENCE: '3' });
}, 120_000);
afterAll(async () => {
  await plant?.stop();
  await front?.close();
  await server?.stop();
});
beforeEach(() => {
  front.calm();
  plant.standin.reset();
  plant.standin.setOptions({ latencyMs: 20 });
  n += 1;
  folder = path.join(plant.folder, `data-${n}`);
  writeMany(folder, FILES);
  writeFiles(folder, { 'eicar.com': EICAR });
});

async function inTheMiddle(): Promise<ScanHandle> {
  const scan = await plant.start({}, { source: plant.source(folder) });
  await plant.untilScans(FILES / 4);
  return scan;
}

async function expectExact(scan: ScanHandle): Promise<void> {
  const result = await scan.result();
  expect(result).toMatchObject({ state: 'completed', listed: FILES + 1 });
  expect(result.counters.outcomes).toMatchObject({ clean: FILES, malicious: 1 });
  const rows = await scan.rows();
  expect(new Set(rows.map((row) => row.item)).size).toBe(FILES + 1);
  expect(rowsOf(result.counters)).toBe(FILES + 1);
  const report = await verifyJob(plant.ledger.job(scan.job), { root: result.root });
  expect(report).toMatchObject({ ok: true, authentic: true, problems: [] });
}

test('a whole scan lies in the bucket, authentic to the root, in few requests, and the command line reads it', async () => {
  const before = front.requests.length;
  const scan = await plant.start({}, { source: plant.source(folder) });
  await expectExact(scan);
  const asked = front.requests.slice(before).map(({ method, url }) => `${method} ${kindOf(url)}`);
  const count = (what: string): number => asked.filter((one) => one === what).length;
  const pages = Math.ceil((FILES + 1) / 100);
  for (const what of ['PUT pages', 'GET pages', 'PUT segments']) expect([what, count(what)]).toEqual([what, pages]);
  expect([count('PUT commits'), count('GET list parts'), count('GET list commits')]).toEqual([1, 1, 0]);
  expect(count('GET list ')).toBe(1);

  const { root } = await scan.result();
  const dsx = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['cli/main.ts', 'ledger', ...args, '--json'], {
      cwd: path.resolve(import.meta.dirname, '../..'),
      env: { PATH: process.env.PATH, HOME: plant.home, DSX_HOME: path.join(plant.home, 'other'), ...env },
    });
  const verified = await dsx('verify', scan.job, '--root', root);
  expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, authentic: true });
  const jobs = await dsx('jobs');
  expect(JSON.parse(jobs.stdout.trim().split('\n')[0] ?? '')).toMatchObject({ job: scan.job, root });
}, 120_000);

/** The folder of a job's object that a request is about. */
function kindOf(url: string): string {
  const { pathname, searchParams } = new URL(url, 'http://x');
  const prefix = searchParams.get('prefix');
  const key = prefix ?? pathname.slice('/ledgers/dsx/ledger/'.length);
  return `${prefix === null ? '' : 'list '}${
    key
      .replace(/^dsx\/ledger\//, '')
      .replace(/^job-\d+\//, '')
      .split('/')[0]
  }`;
}

test('a bucket that refuses now and then is asked again, and nothing is lost', async () => {
  let seen = 0;
  front.treat = ({ change }) => {
    if (change === undefined) return 'pass';
    seen += 1;
    return seen % 7 === 3 ? { status: 503, headers: {}, body: '' } : 'pass';
  };
  const scan = await plant.start({}, { source: plant.source(folder) });
  await expectExact(scan);
  expect(seen).toBeGreaterThan(14);
}, 120_000);

test('a bucket that is away in the middle holds the job with the reason, which goes on by itself', async () => {
  const scan = await inTheMiddle();
  const body = '<Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>';
  front.treat = () => ({ status: 404, headers: { 'content-type': 'application/xml' }, body });
  const held = await scan.until(({ state }) => state === 'held', 60_000);
  expect(held.idle).toMatchObject({ why: 'held', reason: expect.stringMatching(/ledger_not_there|no such bucket/) });
  expect(held.idle).toMatchObject({ reason: expect.stringContaining('s3://ledgers/dsx/ledger') });
  expect(held.counters.outcomes).toMatchObject({ failed: 0, vanished: 0 });
  front.calm();
  await expectExact(scan);
}, 120_000);

test('a store that answers nobody holds the job too', async () => {
  const scan = await inTheMiddle();
  front.treat = () => 'cut';
  const held = await scan.until(({ state }) => state === 'held', 90_000);
  expect(held.idle).toMatchObject({ reason: expect.stringContaining('s3://ledgers/dsx/ledger') });
  front.calm();
  await expectExact(scan);
}, 120_000);

test('credentials that may not remove anything are enough for a scan', async () => {
  const body = '<Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>';
  front.treat = ({ method }) => (method === 'DELETE' ? { status: 403, headers: {}, body } : 'pass');
  plant.standin.setOptions({ latencyMs: 60 });
  const scan = await plant.start({}, { source: plant.source(folder) });
  await expectExact(scan);
  expect(front.requests.some(({ method }) => method === 'DELETE')).toBe(true);
}, 120_000);
