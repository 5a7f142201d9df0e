import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { createAwsS3Connector } from '../../../connectors/aws-s3/connector.ts';
import type { AheadOptions } from '../../../connectors/bucket/ahead-pages.ts';
import type { Connector } from '../../../connectors/connector.ts';
import { createGcsConnector } from '../../../connectors/google-cloud-storage/connector.ts';
import { startFakeGcs } from '../../../scripts/servers/fake-gcs.ts';
import { startSeaweedfs } from '../../../scripts/servers/seaweedfs.ts';
import { hidden } from './store.ts';

/** A storage whose listing is measured. */
export interface ListedStore {
  readonly title: string;
  /** The server's, on loopback. */
  readonly port: number;
  /** Whether a GET of this path and query lists. */
  isListing(url: string): boolean;
  /** Writes an object of one byte under each of these keys. */
  put(keys: readonly string[]): Promise<void>;
  /** A connector for what lies below a prefix, through another port. */
  connector(port: number, prefix: string, ahead: AheadOptions): Connector;
  stop(): Promise<void>;
}

const BUCKET = 'listed';
const AT_ONCE = 16;

/** Kinds whose listing can be measured here. */
export const LISTED_STORES = { s3, gcs } satisfies Record<string, () => Promise<ListedStore>>;

async function s3(): Promise<ListedStore> {
  const { endpoint, accessKeyId, secretAccessKey, stop } = await startSeaweedfs();
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: AT_ONCE } }),
  });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const access = { kind: 'keys', accessKeyId: hidden(accessKeyId), secretAccessKey: hidden(secretAccessKey) } as const;
  return {
    title: 'aws_s3 on SeaweedFS',
    port: Number(new URL(endpoint).port),
    isListing: (url) => url.includes('list-type=2'),
    put: (keys) =>
      each(keys, async (Key) => {
        await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x' }));
      }),
    connector(port, prefix, ahead) {
      const assets = [`${BUCKET}/${prefix}`];
      return createAwsS3Connector({ id: 'bench', assets, endpoint: `http://127.0.0.1:${port}`, access }, ahead);
    },
    async stop() {
      client.destroy();
      await stop();
    },
  };
}

async function gcs(): Promise<ListedStore> {
  const { endpoint, stop } = await startFakeGcs();
  const post = async (path: string, body: string) => {
    const answer = await fetch(`${endpoint}${path}`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    await answer.arrayBuffer();
  };
  await post('/storage/v1/b?project=p', JSON.stringify({ name: BUCKET }));
  return {
    title: 'google_cloud_storage on fake-gcs-server',
    port: Number(new URL(endpoint).port),
    isListing: (url) => /\/o\?/.test(url),
    put: (keys) =>
      each(keys, (key) =>
        post(`/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${encodeURIComponent(key)}`, 'x'),
      ),
    connector(port, prefix, ahead) {
      const settings = { id: 'bench', assets: [`${BUCKET}/${prefix}`], projectId: 'p' };
      return createGcsConnector({ ...settings, endpoint: `http://127.0.0.1:${port}` }, ahead);
    },
    stop,
  };
}

async function each(keys: readonly string[], put: (key: string) => Promise<void>): Promise<void> {
  let next = 0;
  const runner = async () => {
    for (let at = next++; at < keys.length; at = next++) await put(keys[at] as string);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runner));
}
