import type { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { createAwsS3Connector } from '../../../connectors/aws-s3/connector.ts';
import { startSeaweedfs } from '../../../scripts/servers/seaweedfs.ts';
import { type BenchStore, drained, hidden } from './store.ts';

const BUCKET = 'bench';
const REGION = 'us-east-1';

export async function benchS3(): Promise<BenchStore> {
  const { endpoint, accessKeyId, secretAccessKey, stop } = await startSeaweedfs();
  const client = new S3Client({
    endpoint,
    region: REGION,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: 128 } }),
  });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  return {
    title: 'aws_s3 on SeaweedFS',
    async put(Key, Body) {
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
    },
    connector: async () =>
      createAwsS3Connector({
        id: 'bench',
        assets: [BUCKET],
        endpoint,
        region: REGION,
        access: { kind: 'keys', accessKeyId: hidden(accessKeyId), secretAccessKey: hidden(secretAccessKey) },
      }),
    async *list(Prefix) {
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix, ContinuationToken }));
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    async read(Key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      return drained(Body as Readable);
    },
    async stop() {
      client.destroy();
      await stop();
    },
  };
}
