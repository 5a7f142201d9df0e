import { openGcsStore } from '../../../ledger/stores/gcs-store.ts';
import { startFakeGcs } from '../../../scripts/servers/fake-gcs.ts';
import { bucketSuite } from './bucket-suite.ts';

bucketSuite('a Google Cloud Storage bucket', async () => {
  const server = await startFakeGcs();
  await fetch(`${server.endpoint}/storage/v1/b?project=test`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ledgers' }),
  });
  const open = (origin: string, bucket: string, prefix: string, pageItems?: number) =>
    openGcsStore(`gs://${bucket}/${prefix.slice(0, -1)}`, { bucket, prefix }, { endpoint: origin }, pageItems);
  return {
    origin: new URL(server.endpoint).origin,
    open: (origin, prefix, pageItems) => open(origin, 'ledgers', prefix, pageItems),
    openAbsent: (origin) => open(origin, 'absent', 'ledger/'),
    refusal: (status, reason) => ({
      status,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ error: { code: status, message: reason, errors: [{ message: reason, reason }] } }),
    }),
    codes: { throttled: 'rateLimitExceeded', forbidden: 'forbidden', absent: 'notFound', stranger: [401, 'authError'] },
    stop: () => server.stop(),
  };
});
