import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Secret } from '../../../config/secret.ts';
import { openS3Store } from '../../../ledger/stores/s3-store.ts';
import { startSeaweedfs } from '../../../scripts/servers/seaweedfs.ts';
import { bucketSuite } from './bucket-suite.ts';

bucketSuite('an S3 bucket', async () => {
  const server = await startSeaweedfs();
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'ledgers' }));
  client.destroy();
  const open = (origin: string, bucket: string, prefix: string, pageItems?: number, secret = secretAccessKey) => {
    const place = `s3://${bucket}/${prefix.slice(0, -1)}`;
    const access = { endpoint: origin, accessKeyId, secretAccessKey: new Secret(secret) };
    return openS3Store(place, { bucket, prefix }, access, pageItems);
  };
  return {
    origin: endpoint,
    open: (origin, prefix, pageItems) => open(origin, 'ledgers', prefix, pageItems),
    openAbsent: (origin) => open(origin, 'absent', 'ledger/'),
    openStranger: (origin) => open(origin, 'ledgers', 'ledger/', undefined, 'c2VjcmV0'),
    refusal: (status, code) => ({
      status,
      headers: { 'content-type': 'application/xml' },
      body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
    }),
    codes: {
      throttled: 'SlowDown',
      forbidden: 'AccessDenied',
      absent: 'NoSuchBucket',
      stranger: [400, 'ExpiredToken'],
    },
    stop: () => server.stop(),
  };
});
