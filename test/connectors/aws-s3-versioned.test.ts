import { afterAll, beforeAll } from 'vitest';
import { type S3Server, startSeaweedfs } from '../../scripts/servers/seaweedfs.ts';
import { connectorConformance } from './conformance.ts';
import { httpConformance } from './http-conformance.ts';
import { SEAWEEDFS_GAPS_OF_VERSIONS } from './s3-gaps.ts';
import { Bucket } from './s3-store.ts';

let server: S3Server;
let bucket: Bucket;

beforeAll(async () => {
  server = await startSeaweedfs();
  bucket = await Bucket.make(server, 'versions', 'Enabled');
}, 120_000);
afterAll(() => server?.stop());

const options = {
  name: 'aws_s3, with versions',
  make: () => bucket.store(),
  anyBytes: false,
  without: SEAWEEDFS_GAPS_OF_VERSIONS,
};
connectorConformance(options);
httpConformance({ ...options, pageSize: 1000, longestName: 246 });
connectorConformance({
  ...options,
  name: 'aws_s3, with versions, purging',
  make: () => bucket.store({ purge: true }),
  actionsOnly: true,
});
