import { createHash } from 'node:crypto';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { startSeaweedfs } from '../../../scripts/servers/seaweedfs.ts';
import { apart, DEMO_QUARANTINE, type DemoStorage, reference } from './storage.ts';

const BUCKET = 'demo';

/** An S3 bucket in SeaweedFS. */
export async function startS3Storage(): Promise<DemoStorage> {
  const server = await startSeaweedfs();
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  return {
    title: `an S3 bucket in SeaweedFS at ${endpoint}`,
    connector: {
      kind: 'aws_s3',
      asset: BUCKET,
      quarantine: DEMO_QUARANTINE,
      endpoint,
      region: 'us-east-1',
      accessKeyId,
      secretAccessKey: reference('DEMO_SECRET_ACCESS_KEY'),
    },
    env: { DEMO_SECRET_ACCESS_KEY: secretAccessKey },
    // SeaweedFS takes a backslash for a slash.
    holds: (location) => !location.includes('\\'),
    async put(Key, Body) {
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
    },
    async contents() {
      const found = new Map<string, string>();
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket: BUCKET, EncodingType: 'url', ContinuationToken }),
        );
        for (const { Key = '' } of page.Contents ?? []) {
          const key = decodeURIComponent(Key.replaceAll('+', ' '));
          const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
          const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
          found.set(key, createHash('sha256').update(bytes).digest('hex'));
        }
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
      return apart(found);
    },
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}
