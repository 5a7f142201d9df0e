import { afterAll, beforeAll } from 'vitest';
import { type S3Server, startSeaweedfs } from '../../scripts/servers/seaweedfs.ts';
import { connectorConformance } from './conformance.ts';
import { httpConformance } from './http-conformance.ts';
import { SEAWEEDFS_GAPS } from './s3-gaps.ts';
import { Bucket } from './s3-store.ts';

let server: S3Server;
let bucket: Bucket;

beforeAll(async () => {
  server = await startSeaweedfs();
  bucket = await Bucket.make(server, 'plain');
}, 120_000);
afterAll(() => server?.stop());

const options = {
  name: 'aws_s3, without versions',
  make: () => bucket.store(),
  anyBytes: false,
  contentVersions: true,
  without: SEAWEEDFS_GAPS,
};
connectorConformance(options);
httpConformance({ ...options, pageSize: 1000, longestName: 255, unconditional: ['tag'] });
