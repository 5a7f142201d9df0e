import { expect, it } from 'vitest';
import { connectorFrom } from '../../config/connectors/definition.ts';
import { isSameStorage } from '../../config/connectors/same-storage.ts';
import type { ConnectorDefinition } from '../../domain/connector-entry.ts';
import { parseAllowed } from '../../net/allowed.ts';

function defined(given: ConnectorDefinition) {
  // Without what is undefined, as a body has it.
  const definition = JSON.parse(JSON.stringify(given)) as ConnectorDefinition;
  const allowed = [parseAllowed('.corp.example') ?? expect.fail()];
  const read = connectorFrom(definition, { secrets: {}, allowed, local: false });
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return { definition, settings: read.connector };
}
const same = (one: ConnectorDefinition, more: object) =>
  isSameStorage(defined(one), defined({ ...one, ...more } as ConnectorDefinition));
const secret = (name: string) => `\${DSX_SECRET_${name}}`;
const guid = '11111111-2222-3333-4444-555555555555';

const s3 = { id: 's', kind: 'aws_s3', asset: 'uploads' };
const azure = { id: 'a', kind: 'azure_blob_storage', asset: 'uploads', account: 'abc', accountKey: secret('A') };
const gcs = { id: 'g', kind: 'google_cloud_storage', asset: 'uploads' };
const graph = { tenantId: guid, clientId: guid, clientSecret: secret('A') };
const site = { id: 'p', kind: 'sharepoint', asset: 'https://contoso.sharepoint.com/sites/x', ...graph };
const drive = { id: 'o', kind: 'onedrive', users: 'a@b.example', ...graph };
const folder = { id: 'f', kind: 'filesystem', asset: '/srv/a' };

it('is the same storage whoever asks, and whatever is done with its items', () => {
  for (const one of [s3, azure, gcs, site, drive, folder]) {
    expect(same(one, { filter: '*.com', maxSize: 5, maxActions: 3, watch: { reconcile: '1h' } })).toBe(true);
  }
  expect(same(s3, { accessKeyId: secret('A'), secretAccessKey: secret('B'), region: 'eu-central-1' })).toBe(true);
  expect(same(s3, { roleArn: 'arn:aws:iam::123456789012:role/x', purge: 'on', asset: ['uploads'] })).toBe(true);
  expect(
    same({ ...azure, accountKey: undefined, sas: secret('A') } as never, { sas: undefined, identity: 'managed' }),
  ).toBe(true);
  expect(same(azure, { accountKey: secret('B'), pageSize: 5 })).toBe(true);
  expect(same(gcs, { credentials: secret('A') })).toBe(true);
  expect(same(site, { clientSecret: undefined, certificate: secret('A') })).toBe(true);
});

it('is another storage where names of items may mean other items', () => {
  expect(same(s3, { asset: 'uploads/in' })).toBe(false);
  expect(same(s3, { endpoint: 'https://minio.corp.example' })).toBe(false);
  expect(same(azure, { account: 'xyz' })).toBe(false);
  expect(same(azure, { endpointSuffix: 'core.usgovcloudapi.net' })).toBe(false);
  const string = { ...azure, account: undefined, accountKey: undefined, connectionString: secret('A') };
  expect(same(string as never, { quarantine: 'q' })).toBe(true);
  expect(same(string as never, { connectionString: secret('B') })).toBe(false);
  expect(same(gcs, { asset: 'other' })).toBe(false);
  expect(same(gcs, { endpoint: 'https://gcs.corp.example' })).toBe(false);
  expect(same(site, { library: 'Other' })).toBe(false);
  expect(same(drive, { users: ['a@b.example', 'c@b.example'] })).toBe(false);
  expect(same(drive, { cloud: 'usgov' })).toBe(false);
  expect(same(folder, { asset: '/srv/b' })).toBe(false);
  expect(same(folder, { site: 'berlin' })).toBe(false);
});
