import { BlobServiceClient } from '@azure/storage-blob';
import { Secret } from '../../../config/secret.ts';
import { openAzureStore } from '../../../ledger/stores/azure-store.ts';
import { startAzurite } from '../../../scripts/servers/azurite.ts';
import { bucketSuite } from './bucket-suite.ts';

bucketSuite('an Azure container', async () => {
  const server = await startAzurite();
  const { account, key, connectionString } = server;
  await BlobServiceClient.fromConnectionString(connectionString).getContainerClient('ledgers').create();
  const open = (origin: string, bucket: string, prefix: string, pageItems?: number) => {
    const place = `az://${account}/${bucket}/${prefix.slice(0, -1)}`;
    const access = { endpoint: `${origin}/${account}`, accountKey: new Secret(key) };
    return openAzureStore(place, { account, bucket, prefix }, access, pageItems);
  };
  return {
    origin: new URL(server.endpoint).origin,
    open: (origin, prefix, pageItems) => open(origin, 'ledgers', prefix, pageItems),
    openAbsent: (origin) => open(origin, 'absent', 'ledger/'),
    refusal: (status, code) => ({
      status,
      headers: { 'content-type': 'application/xml', 'x-ms-error-code': code },
      body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
    }),
    codes: {
      throttled: 'ServerBusy',
      forbidden: 'AuthorizationPermissionMismatch',
      absent: 'ContainerNotFound',
      stranger: [403, 'AuthenticationFailed'],
    },
    stop: () => server.stop(),
  };
});
