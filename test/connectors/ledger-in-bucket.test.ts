import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createAwsS3Connector } from '../../connectors/aws-s3/connector.ts';
import type { Connector } from '../../connectors/connector.ts';
import type { BucketPlace } from '../../domain/bucket-place.ts';
import type { LedgerBucket } from '../../domain/ledger-place.ts';
import { type AzuriteServer, startAzurite } from '../../scripts/servers/azurite.ts';
import { type FakeGcs, startFakeGcs } from '../../scripts/servers/fake-gcs.ts';
import { type S3Server, startSeaweedfs } from '../../scripts/servers/seaweedfs.ts';
import { makeAzureStore } from './azure-blob-store.ts';
import { makeGcsStore } from './gcs-store.ts';
import { Bucket } from './s3-store.ts';

const signal = new AbortController().signal;
const LEDGER = 'dsx/ledger/';
const HIDDEN = [`${LEDGER}job-1/pages/0-0.json`, `${LEDGER}x`];
/** Beside the ledger, and items all the same. */
const ITEMS = ['a', 'dsx/a', 'dsx/ledgerb', 'z'];

/** A bucket, and connectors on it. */
interface Place {
  /** Where a ledger below this prefix of the bucket lies. */
  ledger(prefix: string): LedgerBucket;
  /** The same names somewhere else. */
  elsewhere(prefix: string): LedgerBucket;
  put(key: string): Promise<void>;
  connect(settings: {
    ledger?: LedgerBucket;
    prefix?: string;
    quarantine?: string;
    reserved?: readonly BucketPlace[];
  }): Connector;
  /** The whole bucket as a place of quarantine. */
  readonly url: string;
  close(): Promise<void>;
}

let s3: S3Server;
let azurite: AzuriteServer;
let gcs: FakeGcs;
let buckets = 0;
let place: Place | undefined;

beforeAll(async () => {
  [s3, azurite, gcs] = await Promise.all([startSeaweedfs(), startAzurite(), startFakeGcs()]);
}, 180_000);
afterAll(async () => {
  await Promise.all([s3?.stop(), azurite?.stop(), gcs?.stop()]);
});
afterEach(async () => {
  await place?.close();
  place = undefined;
});

async function s3Place(): Promise<Place> {
  const bucket = await Bucket.make(s3, `ledgers-${++buckets}`);
  const store = await bucket.store();
  const made: Connector[] = [];
  const { accessKeyId, secretAccessKey } = s3;
  return {
    ledger: (prefix) => ({ kind: 's3', bucket: bucket.name, prefix }),
    elsewhere: (prefix) => ({ kind: 'gs', bucket: bucket.name, prefix }),
    put: (key) => bucket.put(key, Buffer.from('x')),
    connect: ({ prefix = '', ...settings }) => {
      const access = {
        kind: 'keys',
        accessKeyId: { reveal: () => accessKeyId },
        secretAccessKey: { reveal: () => secretAccessKey },
      } as const;
      const assets = [`${bucket.name}/${prefix}`];
      const connector = createAwsS3Connector({ id: 's3', assets, endpoint: s3.endpoint, access, ...settings });
      made.push(connector);
      return connector;
    },
    url: `s3://${bucket.name}`,
    close: async () => {
      await Promise.all(made.map((one) => one.close()));
      await store.close();
    },
  };
}

async function azurePlace(): Promise<Place> {
  const store = await makeAzureStore(azurite);
  const bucket = store.container.containerName;
  return {
    ledger: (prefix) => ({ kind: 'az', account: azurite.account, bucket, prefix }),
    elsewhere: (prefix) => ({ kind: 'az', account: 'another', bucket, prefix }),
    put: (key) => store.put(Buffer.from(key), Buffer.from('x')),
    connect: ({ prefix = '', ...settings }) => store.with({ assets: [{ container: bucket, prefix }], ...settings }),
    url: `az://${bucket}`,
    close: () => store.close(),
  };
}

async function gcsPlace(): Promise<Place> {
  const store = await makeGcsStore(gcs);
  const { bucket } = store;
  return {
    ledger: (prefix) => ({ kind: 'gs', bucket, prefix }),
    elsewhere: (prefix) => ({ kind: 's3', bucket, prefix }),
    put: async (key) => void (await store.plant(key, 'x')),
    connect: ({ prefix = '', ...settings }) =>
      store.withSettings({ assets: [prefix === '' ? bucket : `${bucket}/${prefix}`], ...settings }),
    url: `gs://${bucket}`,
    close: () => store.close(),
  };
}

async function listed(connector: Connector): Promise<string[]> {
  const listing = connector.list({ includes: () => true, mayEnter: () => true }, undefined);
  const found: string[] = [];
  for (let event = await listing.next(signal); event !== undefined; event = await listing.next(signal)) {
    if (event.kind === 'item') found.push(event.item.location);
  }
  await listing.close();
  return found;
}

async function offered(connector: Connector): Promise<string[]> {
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await connector.assets({ limit: 100, ...(after !== undefined && { after }) }, signal);
    found.push(...page.assets.map(({ asset }) => asset));
    after = page.next;
  } while (after !== undefined);
  return found;
}

describe.each([
  ['aws_s3', s3Place],
  ['azure_blob_storage', azurePlace],
  ['google_cloud_storage', gcsPlace],
] as const)('%s, with our ledger in the bucket', (_kind, makePlace) => {
  async function filled(): Promise<Place> {
    place = await makePlace();
    for (const key of [...ITEMS, ...HIDDEN]) await place.put(key);
    return place;
  }

  test('nothing of the ledger is listed, looked at, opened or acted upon', async () => {
    const { connect, ledger } = await filled();
    const connector = connect({ ledger: ledger(LEDGER) });
    expect(await listed(connector)).toEqual(ITEMS);
    for (const location of HIDDEN) {
      await expect(connector.stat({ location }, signal)).rejects.toMatchObject({ code: 'not_an_item' });
      await expect(connector.open({ location }, signal)).rejects.toMatchObject({ code: 'not_an_item' });
    }
    const version = await connect({ ledger: ledger('other/') }).stat({ location: HIDDEN[0] as string }, signal);
    for (const action of ['delete', 'move', 'tag'] as const) {
      const report = await connector.act(
        {
          finding: `job-1/0-0:0${action}`,
          item: { location: HIDDEN[0] as string },
          judged: { version: version.version as string, size: 1 },
          action,
          destination: 'job-1/0-0-0',
          provenance: {
            job: 'job-1',
            connector: 'c',
            verdict: 'Malicious',
            sha256: '00',
            standIn: false,
            judgedAt: '2026-11-23T00:00:00.000Z',
          },
        },
        signal,
      );
      expect(report).toMatchObject({ state: 'failed', code: 'not_supported' });
    }
    expect(await listed(connect({ ledger: ledger('other/') }))).toEqual([...ITEMS, ...HIDDEN].sort());
  });

  test('it is hidden below an asset that is a folder, and not offered as one', async () => {
    const { connect, ledger, url } = await filled();
    expect(await listed(connect({ ledger: ledger(LEDGER), prefix: 'dsx/' }))).toEqual(['a', 'ledgerb']);
    const bucket = url.replace(/^.*:\/\//, '');
    expect(await offered(connect({ ledger: ledger('other/') }))).toContain(`${bucket}/dsx/`);
    expect(await offered(connect({ ledger: ledger('dsx/') }))).not.toContain(`${bucket}/dsx/`);
  });

  test('what another connector moved away is nobody’s item', async () => {
    const { connect, url } = await filled();
    const bucket = url.replace(/^.*:\/\//, '');
    const connector = connect({ quarantine: 'mine', reserved: [{ bucket, prefix: LEDGER }] });
    expect(await listed(connector)).toEqual(ITEMS);
    for (const location of HIDDEN) {
      await expect(connector.open({ location }, signal)).rejects.toMatchObject({ code: 'not_an_item' });
    }
    const elsewhere = connect({ quarantine: 'mine', reserved: [{ bucket: `${bucket}x`, prefix: LEDGER }] });
    expect(await listed(elsewhere)).toEqual([...ITEMS, ...HIDDEN].sort());
  });

  test('a ledger that lies elsewhere hides nothing', async () => {
    const { connect, elsewhere } = await filled();
    expect(await listed(connect({ ledger: elsewhere(LEDGER) }))).toEqual([...ITEMS, ...HIDDEN].sort());
  });

  test('settings that leave nothing to scan, or mix quarantine and ledger, are refused', async () => {
    place = await makePlace();
    const { connect, ledger, url } = place;
    const wrong = [
      { ledger: ledger('') },
      { ledger: ledger(LEDGER), prefix: LEDGER },
      { ledger: ledger('dsx/'), prefix: LEDGER },
      { ledger: ledger('dsx/'), quarantine: 'dsx/quarantine' },
      { ledger: ledger('quarantine/ledger/'), quarantine: 'quarantine' },
      { ledger: ledger('dsx/'), quarantine: `${url}/dsx` },
    ];
    for (const settings of wrong) {
      expect(() => connect(settings), JSON.stringify(settings)).toThrow(
        expect.objectContaining({ code: 'configuration' }),
      );
    }
  });
});
