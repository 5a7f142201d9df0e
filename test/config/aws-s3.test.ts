import { describe, expect, it } from 'vitest';
import { connectorSchema } from '../../config/connectors/connectors.ts';

const minimal = { id: 'one', kind: 'aws_s3', asset: 'scan-in' };

function parsed(fields: Record<string, unknown>) {
  const given = Object.entries({ ...minimal, ...fields }).filter(([, value]) => value !== undefined);
  const result = connectorSchema.safeParse(Object.fromEntries(given));
  if (!result.success)
    throw new Error(result.error.issues.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  if (result.data.kind !== 'aws_s3') throw new Error('another kind');
  return result.data;
}

function refusal(fields: Record<string, unknown>): string {
  const result = connectorSchema.safeParse({ ...minimal, ...fields });
  if (result.success) throw new Error('accepted');
  return result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
}

describe('the kind aws_s3', () => {
  it('needs an asset alone', () => {
    expect(parsed({})).toEqual({
      id: 'one',
      kind: 'aws_s3',
      asset: 'scan-in',
      filter: '',
      action: 'nothing',
      quarantine: 'dsxconnect-quarantine',
      storage: { assets: ['scan-in'], access: { kind: 'default' } },
    });
  });

  it.each([
    ['b-1', ['b-1']],
    ['b-1/a', ['b-1/a/']],
    ['s3://b-1/a/', ['b-1/a/']],
    [
      ['b-1/a', 'b-1/b', 's3://b-2'],
      ['b-1/a/', 'b-1/b/', 'b-2'],
    ],
  ])('reads the asset %j', (asset, assets) => {
    expect(parsed({ asset }).storage.assets).toEqual(assets);
  });

  it.each([
    ['', /bucket/],
    ['/srv/x', /bucket/],
    ['b-1//a', /bucket/],
    ['b-1/a/*', /wildcards/],
    [[], /bucket/],
    [['b-1', 'b-1/a'], /overlap/],
    [['b-1/a', 'b-1/a/'], /overlap/],
  ])('refuses the asset %j', (asset, message) => {
    expect(refusal({ asset })).toMatch(message);
  });

  it.each([
    ['a prefix', 'q/'],
    ['a bucket', 's3://scan-in'],
  ])('refuses a quarantine that holds the asset: %j', (_name, quarantine) => {
    expect(refusal({ asset: 'scan-in/q/x', quarantine })).toMatch(/quarantine: must not hold the asset/);
  });

  it('takes every setting of the former connector under its name', () => {
    const { storage, ...common } = parsed({
      asset: undefined,
      DSXCONNECTOR_ASSET: 'scan-in/a',
      DSXCONNECTOR_FILTER: '*.docx',
      DSXCONNECTOR_ITEM_ACTION: 'move_tag',
      DSXCONNECTOR_ITEM_ACTION_MOVE_METAINFO: 'kept',
      DSXCONNECTOR_S3_ENDPOINT_URL: 'http://127.0.0.1:9000/',
      AWS_DEFAULT_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'AKIA',
      AWS_SECRET_ACCESS_KEY: 'hush',
      AWS_SESSION_TOKEN: 'token',
    });
    expect(common).toMatchObject({ asset: 'scan-in/a/', filter: '*.docx', action: 'movetag', quarantine: 'kept' });
    expect(storage).toMatchObject({ endpoint: 'http://127.0.0.1:9000', region: 'eu-central-1' });
    expect(storage.access.kind === 'keys' && storage.access.secretAccessKey.reveal()).toBe('hush');
    expect(JSON.stringify(storage)).not.toMatch(/hush|token"|AKIA/);
    expect(refusal({ DSXCONNECTOR_S3_ENDPOINT_VERIFY: 'false' })).toMatch(/NODE_EXTRA_CA_CERTS/);
    expect(refusal({ CHUNK_SIZE: '1' })).toMatch(/streamed/);
    expect(refusal({ AWS_REGION: 'a', AWS_DEFAULT_REGION: 'b' })).toMatch(/sets the same as AWS_REGION/);
  });

  it('takes on a role, by credentials or by a token', () => {
    const roleArn = 'arn:aws:iam::123456789012:role/scan';
    expect(parsed({ roleArn, profile: 'p', externalId: 'x' }).storage).toMatchObject({
      access: { kind: 'profile', profile: 'p' },
      role: { roleArn },
    });
    const AWS_WEB_IDENTITY_TOKEN_FILE = '/run/token';
    expect(parsed({ AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE }).storage).toEqual({
      assets: ['scan-in'],
      access: { kind: 'default' },
      role: { roleArn, webIdentityTokenFile: '/run/token' },
    });
  });

  it.each([
    [{ accessKeyId: 'a' }, /secretAccessKey: .*go together/],
    [{ sessionToken: 'a' }, /sessionToken: needs/],
    [{ profile: 'p', accessKeyId: 'a', secretAccessKey: 'b' }, /profile: .*keep one/],
    [{ externalId: 'x' }, /externalId: needs roleArn/],
    [{ webIdentityTokenFile: '/x' }, /needs roleArn/],
    [{ roleArn: 'scan' }, /arn:aws:iam/],
    [{ useFips: 'on', endpoint: 'http://x' }, /leave out endpoint/],
    [{ quarantine: 'az://x/y' }, /s3:\/\/bucket/],
    [{ quarantine: '/' }, /quarantine/],
    [{ endpoint: 'ftp://x' }, /http/],
  ])('refuses what can not work: %j', (fields, message) => {
    expect(refusal(fields)).toMatch(message);
  });
});
