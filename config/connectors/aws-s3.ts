import { z } from 'zod';
import type { AwsS3Access, AwsS3Role, AwsS3Storage } from '../../connectors/aws-s3/settings.ts';
import type { Hidden } from '../../domain/hidden.ts';
import { absolutePath, onOff, webAddress } from '../fields.ts';
import { type BucketRules, bucketAssets, bucketQuarantine, hiddenAsset } from './bucket-assets.ts';
import type { Fields, Kind } from './kind.ts';
import { secret } from './secret-field.ts';

const RULES: BucketRules = { scheme: 's3', noun: 'bucket', name: /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i };
const word = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, { error });
const TRUST = 'certificates are always verified; name the authority of the endpoint in NODE_EXTRA_CA_CERTS';
const KEYS = ['accessKeyId', 'secretAccessKey', 'sessionToken'];

/** Objects of buckets of Amazon S3, or of another store that speaks S3. */
export const awsS3: Kind = {
  shape: {
    asset: bucketAssets(RULES),
    quarantine: bucketQuarantine(RULES),
    region: word(/^[a-z0-9-]{1,64}$/, 'must be a region, as eu-central-1').optional(),
    endpoint: webAddress.optional(),
    pathStyle: onOff.optional(),
    useFips: onOff.optional(),
    accessKeyId: secret.optional(),
    secretAccessKey: secret.optional(),
    sessionToken: secret.optional(),
    profile: word(/^\S.{0,127}$/, 'must be the name of a profile').optional(),
    roleArn: word(
      /^arn:[a-z0-9-]+:iam::\d{12}:role\/\S+$/,
      'must be a role, as arn:aws:iam::123456789012:role/name',
    ).optional(),
    externalId: secret.optional(),
    roleSessionName: word(/^[\w+=,.@-]{2,64}$/, 'must be 2 to 64 letters, digits and +=,.@-_').optional(),
    webIdentityTokenFile: absolutePath.optional(),
    purge: onOff.optional(),
  },
  secrets: [...KEYS, 'externalId'],
  local: ['profile', 'webIdentityTokenFile'],
  addresses: { endpoint: 's3' },
  aliases: {
    DSXCONNECTOR_S3_ENDPOINT_URL: 'endpoint',
    AWS_ENDPOINT_URL: 'endpoint',
    AWS_ENDPOINT_URL_S3: 'endpoint',
    AWS_REGION: 'region',
    AWS_DEFAULT_REGION: 'region',
    AWS_USE_FIPS_ENDPOINT: 'useFips',
    AWS_ACCESS_KEY_ID: 'accessKeyId',
    AWS_SECRET_ACCESS_KEY: 'secretAccessKey',
    AWS_SESSION_TOKEN: 'sessionToken',
    AWS_PROFILE: 'profile',
    AWS_ROLE_ARN: 'roleArn',
    AWS_ROLE_SESSION_NAME: 'roleSessionName',
    AWS_WEB_IDENTITY_TOKEN_FILE: 'webIdentityTokenFile',
  },
  retired: {
    DSXCONNECTOR_S3_ENDPOINT_VERIFY: TRUST,
    CHUNK_SIZE: 'bytes are streamed as they come',
    DSXCONNECTOR_CHUNK_SIZE_BYTES: 'bytes are streamed as they come',
  },
  refine(fields, refuse) {
    const has = (field: string) => fields[field] !== undefined;
    if (has('accessKeyId') !== has('secretAccessKey')) {
      const missing = has('accessKeyId') ? 'secretAccessKey' : 'accessKeyId';
      refuse(missing, 'accessKeyId and secretAccessKey go together');
    }
    if (has('sessionToken') && !has('accessKeyId')) refuse('sessionToken', 'needs accessKeyId and secretAccessKey');
    if (has('profile') && KEYS.some(has))
      refuse('profile', 'sets the credentials, and so do the keys: keep one of them');
    for (const field of ['externalId', 'roleSessionName', 'webIdentityTokenFile']) {
      if (has(field) && !has('roleArn')) refuse(field, 'needs roleArn');
    }
    if (has('webIdentityTokenFile') && [...KEYS, 'profile', 'externalId'].some(has)) {
      refuse('webIdentityTokenFile', 'takes on the role by itself: leave out keys, profile and externalId');
    }
    if (fields.useFips === true && has('endpoint')) {
      refuse('useFips', 'chooses the endpoint: leave out endpoint');
    }
    if (Array.isArray(fields.asset) && typeof fields.quarantine === 'string') {
      const fault = hiddenAsset(fields.asset as string[], fields.quarantine, RULES);
      if (fault !== undefined) refuse('quarantine', fault);
    }
  },
  build(fields) {
    const { region, endpoint, pathStyle, useFips, purge } = fields as Partial<AwsS3Storage>;
    const assets = fields.asset as readonly string[];
    const role = roleOf(fields);
    return {
      kind: 'aws_s3',
      asset: assets.join(', '),
      quarantine: fields.quarantine as string,
      storage: {
        assets,
        ...(region !== undefined && { region }),
        ...(endpoint !== undefined && { endpoint }),
        ...(pathStyle !== undefined && { pathStyle }),
        ...(useFips !== undefined && { useFips }),
        ...(purge !== undefined && { purge }),
        access: accessOf(fields),
        ...(role !== undefined && { role }),
      },
    };
  },
};

function accessOf(fields: Fields): AwsS3Access {
  const { accessKeyId, secretAccessKey, sessionToken } = fields as Readonly<Record<string, Hidden | undefined>>;
  if (typeof fields.profile === 'string') return { kind: 'profile', profile: fields.profile };
  if (accessKeyId === undefined || secretAccessKey === undefined) return { kind: 'default' };
  return { kind: 'keys', accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}

function roleOf(fields: Fields): AwsS3Role | undefined {
  const { roleArn, roleSessionName, webIdentityTokenFile } = fields as Readonly<Record<string, string | undefined>>;
  const externalId = fields.externalId as Hidden | undefined;
  if (roleArn === undefined) return undefined;
  return {
    roleArn,
    ...(externalId !== undefined && { externalId }),
    ...(roleSessionName !== undefined && { sessionName: roleSessionName }),
    ...(webIdentityTokenFile !== undefined && { webIdentityTokenFile }),
  };
}
