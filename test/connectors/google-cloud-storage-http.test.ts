import { afterAll, beforeAll } from 'vitest';
import { type FakeGcs, startFakeGcs } from '../../scripts/servers/fake-gcs.ts';
import { makeGcsStore } from './gcs-store.ts';
import { httpConformance } from './http-conformance.ts';

let gcs: FakeGcs;
beforeAll(async () => {
  gcs = await startFakeGcs();
}, 120_000);
afterAll(() => gcs.stop());

const prefix = 'in/';
httpConformance({
  name: 'Google Cloud Storage',
  make: () => makeGcsStore(gcs, { prefix }),
  anyBytes: false,
  pageSize: 1_000,
  longestName: 1_024 - prefix.length,
});
