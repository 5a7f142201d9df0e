import { describe, expect, it } from 'vitest';
import { connectorSchema } from '../../config/connectors/connectors.ts';

const minimal = { id: 'one', kind: 'google_cloud_storage', asset: 'scan-in' };

function parsed(fields: Record<string, unknown>) {
  const given = Object.entries({ ...minimal, ...fields }).filter(([, value]) => value !== undefined);
  const result = connectorSchema.safeParse(Object.fromEntries(given));
  if (!result.success)
    throw new Error(result.error.issues.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  if (result.data.kind !== 'google_cloud_storage') throw new Error('another kind');
  return result.data;
}

function refusal(fields: Record<string, unknown>): string {
  const result = connectorSchema.safeParse({ ...minimal, ...fields });
  if (result.success) throw new Error('accepted');
  return result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
}

describe('the kind google_cloud_storage', () => {
  it('needs an asset alone', () => {
    expect(parsed({})).toEqual({
      id: 'one',
      kind: 'google_cloud_storage',
      asset: 'scan-in',
      filter: '',
      action: 'nothing',
      quarantine: 'dsxconnect-quarantine',
      storage: { assets: ['scan-in'] },
    });
  });

  it.each([
    ['b-1', ['b-1']],
    ['gs://b-1', ['b-1']],
    ['gs://b.example.com/a', ['b.example.com/a/']],
    [
      ['b-1/a', 'gs://b-2'],
      ['b-1/a/', 'b-2'],
    ],
  ])('reads the asset %j', (asset, assets) => {
    expect(parsed({ asset }).storage.assets).toEqual(assets);
  });

  it.each([
    ['YOUR_BUCKET', /stands for a bucket/],
    ['YOUR_BUCKET_OR_BUCKET_PREFIX', /stands for a bucket/],
    ['your-bucket', /stands for a bucket/],
    ['gs://your-bucket/prefix', /stands for a bucket/],
    [['b-1', 'your-bucket'], /stands for a bucket/],
    ['', /bucket/],
    ['Bucket', /bucket/],
    ['s3://b-1', /bucket/],
    ['b-1/*', /wildcards/],
    [['b-1', 'b-1/a'], /overlap/],
  ])('refuses the asset %j', (asset, message) => {
    expect(refusal({ asset })).toMatch(message);
  });

  it('takes every setting of the former connector under its name', () => {
    const { storage, ...common } = parsed({
      asset: undefined,
      DSXCONNECTOR_ASSET: 'scan-in/a',
      DSXCONNECTOR_FILTER: '*.docx',
      DSXCONNECTOR_ITEM_ACTION: 'tag',
      DSXCONNECTOR_ITEM_ACTION_MOVE_METAINFO: 'gs://kept/here/',
      GOOGLE_CLOUD_PROJECT: 'my-project-1',
      STORAGE_EMULATOR_HOST: 'http://127.0.0.1:4443/',
      purge: 'on',
    });
    expect(common).toMatchObject({
      asset: 'scan-in/a/',
      filter: '*.docx',
      action: 'tag',
      quarantine: 'gs://kept/here/',
    });
    expect(storage).toEqual({
      assets: ['scan-in/a/'],
      endpoint: 'http://127.0.0.1:4443',
      projectId: 'my-project-1',
      purge: true,
    });
  });

  it.each([
    'GOOGLE_APPLICATION_CREDENTIALS',
    'DSXCONNECTOR_GOOGLE_APPLICATION_CREDENTIALS',
    'DSXCONNECTOR_GCS_CREDENTIALS_FILE',
    'GCS_CREDENTIALS_FILE',
  ])('takes %s as the key file', (name) => {
    expect(parsed({ [name]: '/etc/key.json' }).storage.keyFile).toBe('/etc/key.json');
    expect(refusal({ [name]: 'key.json' })).toMatch(`${name}: must be an absolute path`);
    expect(refusal({ [name]: '/a', keyFile: '/b' })).toMatch(/sets the same/);
  });

  it('never shows the credentials', () => {
    const { storage } = parsed({ credentials: '{"private_key":"hush"}' });
    expect(storage.credentials?.reveal()).toBe('{"private_key":"hush"}');
    expect(JSON.stringify(storage)).not.toContain('hush');
  });

  const watching = ['DSXCONNECTOR_PUBSUB_', 'DSXCONNECTOR_GCS_PUBSUB_', 'GCS_PUBSUB_', 'PUBSUB_'].flatMap((prefix) =>
    ['PROJECT_ID', 'SUBSCRIPTION', 'ENDPOINT', 'BATCH_MAX_ITEMS', 'BATCH_MAX_SECONDS'].map((name) => prefix + name),
  );
  it.each([
    ...[...watching, 'DSXCONNECTOR_MONITOR', 'GCS_MONITOR_EVENT_TYPES'].map((name) => [name, /watching/] as const),
    ['DSXCONNECTOR_GCS_ASSET_INVENTORY_SCOPE', /projectId/],
    ['GCS_ASSET_INVENTORY_SCOPE', /projectId/],
    ['CLOUD_ASSET_INVENTORY_SCOPE', /projectId/],
    ['CHUNK_SIZE', /streamed/],
    ['DSX_CONNECTOR_ITEM_ACTION', /DSXCONNECTOR_ITEM_ACTION/],
  ] as const)('says of %s that it sets nothing here', (name, reason) => {
    const said = refusal({ [name]: '1' });
    expect(said).toMatch(/sets nothing here/);
    expect(said).toMatch(reason);
  });

  it.each([
    [{ keyFile: '/a', credentials: '{}' }, /credentials: .*keep one/],
    [{ quarantine: 'az://x/y' }, /gs:\/\/bucket/],
    [{ quarantine: '/' }, /quarantine/],
    [{ quarantine: 'gs://scan-in' }, /must not hold the asset/],
    [{ asset: 'scan-in/q/x', quarantine: 'q' }, /must not hold the asset/],
    [{ endpoint: 'ftp://x' }, /http/],
    [{ endpoint: 'http://x/storage/v1' }, /without a path/],
    [{ endpoint: 'http://storage.example', keyFile: '/k.json' }, /must be https/],
    [{ endpoint: 'http://storage.example', credentials: '{}' }, /must be https/],
    [{ endpoint: 'http://storage.googleapis.com' }, /must be https/],
    [{ projectId: 'My Project' }, /project/],
    [{ purge: 'perhaps' }, /on or off/],
  ])('refuses what can not work: %j', (fields, message) => {
    expect(refusal(fields)).toMatch(message);
  });
});
