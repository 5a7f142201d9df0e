import { writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Secret } from '../../config/secret.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { type S3Server, startSeaweedfs } from '../../scripts/servers/seaweedfs.ts';
import { EICAR } from '../support/files.ts';
import { Plant, type ScanHandle } from '../support/plant.ts';

/** The ledger lies in a bucket that a connector scans as a whole. */
const LEDGER = 's3://beside/dsx/ledger';
const VERSIONED = { kind: 'connector', id: 'versioned' } as const;
const BESIDE = { kind: 'connector', id: 'beside' } as const;
let server: S3Server;
let client: S3Client;
let plant: Plant;

beforeAll(async () => {
  server = await startSeaweedfs();
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  for (const Bucket of ['beside', 'versions']) await client.send(new CreateBucketCommand({ Bucket }));
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket: 'versions', VersioningConfiguration }));
  const access = { endpoint, accessKeyId, secretAccessKey: new Secret(secretAccessKey) };
  plant = await Plant.start({ workers: 4 }, [], { place: LEDGER, access });
  const file = path.join(plant.home, 'dsx-connect.yaml');
  const own = { kind: 'aws_s3', endpoint, accessKeyId, secretAccessKey: `\${SECRET_KEY}` };
  const connectors = [
    { id: VERSIONED.id, ...own, asset: 'versions', purge: true },
    { id: BESIDE.id, ...own, asset: 'beside' },
  ];
  writeFileSync(file, JSON.stringify({ connectors }));
  await plant.worker({
    DSX_CONFIG: file,
    SECRET_KEY: secretAccessKey,
    DSX_LEDGER: LEDGER,
    DSX_LEDGER_ENDPOINT: endpoint,
    DSX_LEDGER_ACCESS_KEY_ID: accessKeyId,
    DSX_LEDGER_SECRET_ACCESS_KEY: secretAccessKey,
  });
}, 120_000);
afterAll(async () => {
  await plant?.stop();
  client?.destroy();
  await server?.stop();
});

async function put(Bucket: string, Key: string, ...versions: string[]): Promise<void> {
  for (const Body of versions) await client.send(new PutObjectCommand({ Bucket, Key, Body }));
}

/** Bytes of the versions that remain of a key, the current one first. */
async function versionsOf(key: string): Promise<(number | undefined)[]> {
  const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: 'versions', Prefix: key }));
  return Versions.filter(({ Key }) => Key === key).map(({ Size }) => Size);
}

async function expectAuthentic(scan: ScanHandle) {
  const result = await scan.result();
  const report = await verifyJob(plant.ledger.job(scan.job), { root: result.root });
  expect(report).toMatchObject({ ok: true, authentic: true, problems: [] });
  const rows = await scan.rows();
  const told = rows.map(({ location, outcome, rescanOf, rescans }) => [
    location,
    outcome,
    rescanOf === undefined ? 'listed' : (rows.find(({ item }) => item === rescanOf)?.rescans ?? 0),
    rescans ?? 0,
  ]);
  return { result, told: told.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
}

test('what a purge brings up is scanned in its turn, and removed when it is malicious, three times in a row at most', async () => {
  const evil = (n: number) => `EVIL${'.'.repeat(n)}`;
  plant.standin.setOptions({ badPatterns: ['EVIL'] });
  await put('versions', 'clean', 'good, older', 'good');
  await put('versions', 'once', 'good, older', evil(1));
  await put('versions', 'twice', 'good, older', evil(1), evil(2));
  await put('versions', 'often', evil(0), evil(1), evil(2), evil(3), evil(4));
  const scan = await plant.start({ action: 'delete' }, { source: VERSIONED });
  const { result, told } = await expectAuthentic(scan);
  expect(told).toEqual(
    [
      ['clean', 'clean', 'listed', 0],
      ['often', 'malicious', 'listed', 0],
      ['often', 'malicious', 0, 1],
      ['often', 'malicious', 1, 2],
      ['often', 'malicious', 2, 3],
      ['once', 'clean', 0, 1],
      ['once', 'malicious', 'listed', 0],
      ['twice', 'clean', 1, 2],
      ['twice', 'malicious', 'listed', 0],
      ['twice', 'malicious', 0, 1],
    ].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  );
  expect(result).toMatchObject({ state: 'completed', listed: 10, actions: { done: 7, refused: 0, failed: 0 } });
  const left = await Promise.all(['clean', 'once', 'twice', 'often'].map(versionsOf));
  expect(left).toEqual([[4, 11], [11], [11], [evil(0).length]]);
}, 60_000);

test('a scan of the bucket where the ledger lies sees nothing of it, and touches nothing of it', async () => {
  await put('beside', 'a', 'good');
  await put('beside', 'dsx/bad', EICAR);
  const { told, result } = await expectAuthentic(await plant.start({ action: 'move' }, { source: BESIDE }));
  expect(told).toEqual([
    ['a', 'clean', 'listed', 0],
    ['dsx/bad', 'malicious', 'listed', 0],
  ]);
  expect(result.actions).toMatchObject({ done: 1 });
  const again = await expectAuthentic(await plant.start({ action: 'move' }, { source: BESIDE }));
  expect(again.told).toEqual([['a', 'clean', 'listed', 0]]);
}, 60_000);

test('a quarantine in the ledger is refused', async () => {
  const scan = await plant.start({ action: 'move', quarantine: 'dsx/ledger' }, { source: BESIDE });
  expect(await scan.result()).toMatchObject({ state: 'failed', listed: 0 });
  expect(JSON.stringify(await scan.progress())).toContain('overlap');
}, 60_000);
