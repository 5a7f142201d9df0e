import { afterAll, beforeAll } from 'vitest';
import { type FakeGcs, startFakeGcs } from '../../scripts/servers/fake-gcs.ts';
import { connectorConformance } from './conformance.ts';
import { makeGcsStore } from './gcs-store.ts';

let gcs: FakeGcs;
beforeAll(async () => {
  gcs = await startFakeGcs();
}, 120_000);
afterAll(() => gcs.stop());

connectorConformance({ name: 'a bucket', make: () => makeGcsStore(gcs), anyBytes: false });
connectorConformance({
  name: 'a bucket with versions',
  make: () => makeGcsStore(gcs, { prefix: 'in/', versions: true }),
  anyBytes: false,
  actionsOnly: true,
});
connectorConformance({
  name: 'a bucket with versions, purged',
  make: () => makeGcsStore(gcs, { versions: true, settings: { purge: true } }),
  anyBytes: false,
  actionsOnly: true,
});
