import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAwsS3Connector } from '../../connectors/aws-s3/connector.ts';
import { createAzureBlobConnector } from '../../connectors/azure-blob/connector.ts';
import type { Connector } from '../../connectors/connector.ts';
import { createGcsConnector } from '../../connectors/google-cloud-storage/connector.ts';
import { createGraphConnector } from '../../connectors/graph/connector.ts';
import { TEST_CERT, TEST_KEY } from '../scanner/tls-fixture.ts';

const secret = { reveal: () => Buffer.from('a secret').toString('base64') };
let endpoint = '';
let requests = 0;
const server = https.createServer({ key: TEST_KEY, cert: TEST_CERT }, (_request, response) => {
  requests += 1;
  response.end('{}');
});

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const kinds: [string, () => Connector][] = [
  [
    'aws_s3',
    () => {
      const access = { kind: 'keys', accessKeyId: secret, secretAccessKey: secret } as const;
      return createAwsS3Connector({ id: 'one', assets: ['bucket'], endpoint, access });
    },
  ],
  [
    'azure_blob_storage',
    () =>
      createAzureBlobConnector({
        id: 'one',
        assets: [{ container: 'one', prefix: '' }],
        access: { method: 'account-key', endpoint: `${endpoint}/account`, account: 'account', accountKey: secret },
        tags: 'index',
        purge: false,
        pageSize: 100,
      }),
  ],
  ['google_cloud_storage', () => createGcsConnector({ id: 'one', assets: ['bucket'], endpoint })],
  [
    'sharepoint',
    () =>
      createGraphConnector({
        kind: 'sharepoint',
        id: 'one',
        tenantId: 'contoso.com',
        clientId: 'app',
        clientSecret: secret,
        cloud: 'global',
        graphUrl: endpoint,
        authorityUrl: endpoint,
        place: { host: 'contoso.sharepoint.com', readings: [{ site: '/', library: 'Documents', folder: '' }] },
      }),
  ],
];

test.each(kinds)('%s: a certificate that nobody vouches for is not trusted', async (_kind, connect) => {
  const connector = connect();
  const error = await connector.stat({ location: 'x' }, new AbortController().signal).catch((reason) => reason);
  // The client that asks for tokens of Microsoft Entra does not say why nobody answered.
  expect(['configuration', 'unreachable']).toContain(error.code);
  expect(error.message).toContain('NODE_EXTRA_CA_CERTS');
  expect(requests).toBe(0);
  await connector.close();
});
