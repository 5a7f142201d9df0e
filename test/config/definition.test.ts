import { describe, expect, it } from 'vitest';
import { connectorFrom, definitionSecrets } from '../../config/connectors/definition.ts';
import { isVendorHost, type VendorService } from '../../config/connectors/vendor-hosts.ts';
import type { ConnectorDefinition } from '../../domain/connector-entry.ts';
import { parseAllowed } from '../../net/allowed.ts';

const env = { DSX_SECRET_KEY: 'k3y', DSX_SECRET_EMPTY: '', HOME: '/root', DSXA_TOKEN: 'token' };
function read(definition: ConnectorDefinition, options: { allowed?: string[]; local?: boolean } = {}) {
  const allowed = (options.allowed ?? []).map((text) => parseAllowed(text) ?? expect.fail(text));
  return connectorFrom(definition, { secrets: definitionSecrets(env), allowed, local: options.local ?? false });
}
function faults(definition: ConnectorDefinition, options = {}): string[] {
  const found = read(definition, options);
  return 'faults' in found ? found.faults.map(({ field, message }) => `${field} ${message}`) : [];
}
const s3 = { id: 'bucket', kind: 'aws_s3', asset: 'uploads' };
const keys = { accessKeyId: '$' + '{DSX_SECRET_KEY}', secretAccessKey: '$' + '{DSX_SECRET_OTHER}' };

describe('the definition of a connector', () => {
  it('has the fields of the configuration file, by their old names too, and the secrets that it names', () => {
    const found = read({ ...s3, ...keys, DSXCONNECTOR_FILTER: '*.docx', scanPassword: '$' + '{DSX_SECRET_KEY}' });
    if (!('connector' in found)) throw new Error(JSON.stringify(found));
    const { connector } = found;
    expect(connector).toMatchObject({ id: 'bucket', kind: 'aws_s3', asset: 'uploads', filter: '*.docx' });
    expect(JSON.stringify(connector)).not.toContain('k3y');
    if (connector.kind !== 'aws_s3' || connector.storage.access.kind !== 'keys') throw new Error('keys');
    expect(connector.storage.access.accessKeyId.reveal()).toBe('k3y');
  });

  it('names secrets and never holds one, and refers to no other variable', () => {
    const refused = /^secretAccessKey must name a variable of the workers, as \$\{DSX_SECRET_NAME\}/;
    for (const secret of [
      'AKIA',
      '$' + '{DSXA_TOKEN}',
      '$' + '{HOME}',
      'x$' + '{DSX_SECRET_KEY}',
      '',
      '$' + '{DSX_SECRET_}',
      5,
    ]) {
      expect(faults({ ...s3, ...keys, secretAccessKey: secret })[0]).toMatch(refused);
    }
    expect(faults({ ...s3, asset: 'uploads/$' + '{HOME}' })).toEqual([
      'asset must not refer to a variable: only fields of secrets do ($${ stands for ${ itself)',
    ]);
    expect(faults({ ...s3, asset: ['uploads', 'b/$' + '{DSX_SECRET_KEY}'] })[0]).toMatch(/^asset.1 must not refer/);
    const webhook = [{ source: 'signed', secret: 'whsec_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }];
    expect(faults({ ...s3, watch: { webhook } })[0]).toMatch(/^watch.webhook.0.secret must name a variable/);
    const escaped = read({ ...s3, asset: 'uploads/$$' + '{x}' });
    expect('connector' in escaped && escaped.connector.asset).toBe('uploads/$' + '{x}/');
  });

  it("names no file and no profile of the workers' hosts", () => {
    const named: readonly ConnectorDefinition[] = [
      { profile: 'prod' },
      { AWS_PROFILE: 'prod' },
      { roleArn: 'arn:aws:iam::123456789012:role/x', webIdentityTokenFile: '/etc/shadow' },
      { watch: { pull: { pubsub: { subscription: 'projects/x/subscriptions/y', keyFile: '/etc/shadow' } } } },
    ];
    for (const fields of named) {
      expect(faults({ ...s3, ...fields })[0]).toMatch(/names something of the workers' hosts/);
    }
    const gcs = { id: 'g', kind: 'google_cloud_storage', asset: 'uploads' };
    expect(faults({ ...gcs, GOOGLE_APPLICATION_CREDENTIALS: '/etc/shadow' })[0]).toMatch(/^GOOGLE_APPLICATION_CRED/);
  });

  it('leads to nobody but the vendor, and what is allowed by name', () => {
    const at = (endpoint: string, options = {}) => faults({ ...s3, endpoint }, options).length === 0;
    expect(at('https://s3.eu-central-1.amazonaws.com')).toBe(true);
    for (const wrong of [
      'http://169.254.169.254/',
      'http://127.0.0.1:9000',
      'http://[::ffff:127.0.0.1]:9000',
      'http://localhost:9000',
      'https://evil.example',
      'https://s3.amazonaws.com.evil.example',
      'https://s3-evil-123.eu-central-1.elb.amazonaws.com',
      'https://s3.eu-central-1.amazonaws.com@evil.example',
      'https://user@s3.eu-central-1.amazonaws.com',
      'http://0x7f.1:9000',
    ]) {
      expect([wrong, at(wrong)]).toEqual([wrong, false]);
    }
    const allowed = ['minio.corp.example', '.store.corp.example', '10.1.0.0/16'];
    for (const right of ['http://minio.corp.example:9000', 'https://a.store.corp.example', 'http://10.1.2.3:9000']) {
      expect([right, at(right, { allowed })]).toEqual([right, true]);
    }
    expect(at('http://10.2.0.1', { allowed })).toBe(false);
    // A name may lead anywhere by the time it is asked: a range allows addresses alone.
    expect(at('http://other.corp.example', { allowed })).toBe(false);
    expect(at('http://127.0.0.1:9000', { local: true })).toBe(true);
    const queue = (endpoint: string) => ({
      ...s3,
      watch: { pull: { sqs: { queueUrl: `${endpoint}/123456789012/name` } } },
    });
    expect(faults(queue('https://sqs.eu-central-1.amazonaws.com'))).toEqual([]);
    expect(faults(queue('http://169.254.169.254'))[0]).toMatch(/^watch.pull.sqs.queueUrl is an address of neither/);
    const graph = {
      id: 's',
      kind: 'sharepoint',
      asset: 'https://c.sharepoint.com/sites/x',
      graphUrl: 'https://evil.example',
    };
    expect(faults(graph)[0]).toMatch(/^graphUrl is an address of neither/);
    const azure = {
      id: 'a',
      kind: 'azure_blob_storage',
      asset: 'uploads',
      account: 'abc',
      endpointSuffix: 'evil.example',
    };
    expect(faults(azure)[0]).toMatch(/^endpointSuffix is an address of neither/);
    expect(faults({ ...azure, endpointSuffix: 'core.windows.net', identity: 'managed' })).toEqual([]);
  });

  it("has nobody's login led on by a vendor's customer", () => {
    // Whoever owns a bucket says in it where logins are to be sent.
    const buckets = [
      'https://evil.s3.amazonaws.com',
      'https://evil.blob.core.windows.net',
      'https://evil.storage.googleapis.com',
    ];
    const secret = '$' + '{DSX_SECRET_KEY}';
    const guid = '11111111-2222-3333-4444-555555555555';
    const graph = { tenantId: guid, clientId: guid, clientSecret: secret };
    const site = { id: 's', kind: 'sharepoint', asset: 'https://contoso.sharepoint.com/sites/x', ...graph };
    expect(faults({ ...site, authorityUrl: 'https://login.microsoftonline.us' })).toEqual([]);
    const azure = { id: 'a', kind: 'azure_blob_storage', asset: 'uploads', account: 'abc' };
    const workload = { ...azure, identity: 'workload', tenantId: 'adfs' };
    const queue = { sqs: { queueUrl: 'https://sqs.eu-central-1.amazonaws.com/1/name' } };
    const webhook = [{ source: 'pubsub', audience: 'x', serviceAccount: 'a@b' }];
    for (const bucket of buckets) {
      for (const field of ['authorityUrl', 'graphUrl']) {
        expect(faults({ ...site, [field]: bucket })[0]).toMatch(`${field} is an address of neither`);
        expect(faults({ id: 'o', kind: 'onedrive', users: 'a@b.example', ...graph, [field]: bucket })[0]).toMatch(
          field,
        );
      }
      for (const field of ['authorityHost', 'AZURE_AUTHORITY_HOST']) {
        expect(faults({ ...workload, [field]: bucket })[0]).toMatch(`${field} is an address of neither`);
      }
      expect(faults({ ...s3, watch: { pull: { sqs: { ...queue.sqs, endpoint: bucket } } } })[0]).toMatch(
        'endpoint is an',
      );
      const keys = webhook.map((one) => ({ ...one, jwksUrl: bucket }));
      expect(faults({ id: 'g', kind: 'google_cloud_storage', asset: 'uploads', watch: { webhook: keys } })[0]).toMatch(
        /^watch.webhook.0.jwksUrl is an address of neither/,
      );
    }
    expect(faults({ ...azure, identity: 'managed', endpointSuffix: 's3.amazonaws.com' })[0]).toMatch(
      /^endpointSuffix is/,
    );
    expect(
      faults({ ...azure, sas: secret, endpointSuffix: 'store.corp.example' }, { allowed: ['store.corp.example'] })[0],
    ).toMatch(/^endpointSuffix is/);
    expect(faults({ ...azure, sas: secret, endpointSuffix: 'corp.example' }, { allowed: ['.corp.example'] })).toEqual(
      [],
    );
  });

  it("sends a token of the workers' own identity to the vendor alone, whatever is allowed", () => {
    const allowed = ['.corp.example'];
    const stray = (definition: ConnectorDefinition) => faults(definition, { allowed, local: true })[0] ?? 'none';
    const refused = (field: string) =>
      `${field} would be sent a token of the workers' own identity, which goes to the vendor alone: name credentials`;
    const secret = '$' + '{DSX_SECRET_KEY}';
    const azure = { id: 'a', kind: 'azure_blob_storage', asset: 'uploads' };
    for (const identity of ['managed', 'workload']) {
      expect(stray({ ...azure, identity, account: 'abc' })).toBe('none');
      expect(stray({ ...azure, identity, account: 'abc', endpointSuffix: 'corp.example' })).toBe(refused('endpoint'));
      expect(stray({ ...azure, identity, endpoint: 'https://a.corp.example' })).toBe(refused('endpoint'));
      const elsewhere = { queue: 'events', endpoint: 'https://a.corp.example' };
      const field = 'watch.pull.storage-queue.endpoint';
      expect(stray({ ...azure, identity, account: 'abc', watch: { pull: { 'storage-queue': elsewhere } } })).toBe(
        refused(field),
      );
      const named = { 'storage-queue': { ...elsewhere, sas: secret } };
      expect(stray({ ...azure, identity, account: 'abc', watch: { pull: named } })).toBe('none');
    }
    expect(stray({ ...azure, sas: secret, endpoint: 'https://a.corp.example' })).toBe('none');
    const login = 'https://login.corp.example';
    expect(stray({ ...azure, identity: 'workload', account: 'abc', authorityHost: login })).toBe(
      refused('authorityHost'),
    );
    const gcs = (pull: ConnectorDefinition, more = {}) => ({
      ...{ id: 'g', kind: 'google_cloud_storage', asset: 'uploads', ...more },
      watch: { pull: { pubsub: { subscription: 'projects/abc/subscriptions/name', ...pull } } },
    });
    expect(stray(gcs({}))).toBe('none');
    expect(stray(gcs({ endpoint: 'eu-pubsub.googleapis.com:443' }))).toBe('none');
    expect(stray(gcs({ endpoint: 'a.corp.example:443' }))).toBe(refused('watch.pull.pubsub.endpoint'));
    expect(stray(gcs({ endpoint: 'http://127.0.0.1:8085' }))).toBe('none');
    expect(stray(gcs({ endpoint: 'a.corp.example:443', credentials: secret }))).toBe('none');
    expect(stray(gcs({ endpoint: 'a.corp.example:443' }, { credentials: secret }))).toBe('none');
  });

  it('tells no secret to the owner of a role', () => {
    const role = { ...s3, roleArn: 'arn:aws:iam::123456789012:role/x' };
    expect(faults({ ...role, externalId: '$' + '{DSX_SECRET_KEY}' })[0]).toMatch(
      /^externalId must not refer to a variable/,
    );
    expect(faults({ ...role, externalId: 'agreed-upon' })).toEqual([]);
  });

  it('is told what is wrong by the field', () => {
    expect(faults({ ...s3, acessKeyId: 'x' })).toEqual(['acessKeyId is not a field; did you mean accessKeyId?']);
    expect(faults({ id: 'x', kind: 'aws_s3' })[0]).toMatch(/^asset is missing; it must be/);
    expect(faults({ ...s3, constructor: 'x', toString: 'y' } as never)).toEqual([
      'constructor is not a field',
      'toString is not a field',
    ]);
    expect(faults({ id: 'x', kind: 'ftp', asset: 'y' })[0]).toMatch(/^kind must be one of filesystem, aws_s3/);
    expect(faults({ ...s3, filter: '"' })[0]).toMatch(/^filter the filter does not parse/);
    let deep: ConnectorDefinition = {};
    for (let i = 0; i < 100; i++) deep = { watch: deep };
    expect(faults({ ...s3, watch: deep })[0]).toMatch(/nested deeper/);
  });
});

it('knows the hosts of vendors, whole, each for its own service', () => {
  const own: readonly (readonly [VendorService, string])[] = [
    ['s3', 's3.amazonaws.com'],
    ['s3', 'my.bucket.s3.eu-west-1.amazonaws.com'],
    ['s3', 's3.dualstack.us-east-1.amazonaws.com'],
    ['s3', 's3-fips.us-gov-west-1.amazonaws.com'],
    ['sqs', 'sqs.eu-central-1.amazonaws.com'],
    ['azure-storage', 'account1.blob.core.windows.net'],
    ['azure-storage', 'account1.queue.core.usgovcloudapi.net'],
    ['azure-suffix', 'core.usgovcloudapi.net'],
    ['google', 'storage.googleapis.com'],
    ['entra', 'login.microsoftonline.com'],
    ['graph', 'graph.microsoft.com'],
    ['token-keys', 'www.googleapis.com'],
    ['token-keys', 'login.microsoftonline.us'],
  ];
  const services = [...new Set(own.map(([service]) => service))];
  for (const [service, host] of own) {
    const serving = services.filter((one) => isVendorHost(host, one));
    const both = host.startsWith('login.')
      ? ['entra', 'token-keys']
      : host.startsWith('www.')
        ? ['google', service]
        : [service];
    expect([host, serving]).toEqual([host, both]);
  }
  for (const host of [
    'ec2-1-2-3-4.eu-west-1.compute.amazonaws.com',
    's3.evil-1.elb.amazonaws.com',
    'evil.amazonaws.com',
    'amazonaws.com',
    'x.y.blob.core.windows.net',
    'blob.core.windows.net.evil.example',
    'evilgoogleapis.com',
    'contoso.sharepoint.com',
  ]) {
    expect([host, services.filter((service) => isVendorHost(host, service))]).toEqual([host, []]);
  }
});
