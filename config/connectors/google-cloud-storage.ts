import { z } from 'zod';
import type { GcsStorage } from '../../connectors/google-cloud-storage/settings.ts';
import { absolutePath, isPlainFar, onOff, webAddress } from '../fields.ts';
import { type BucketRules, bucketAssets, bucketQuarantine, hiddenAsset } from './bucket-assets.ts';
import type { Kind } from './kind.ts';
import { secret } from './secret-field.ts';

const RULES: BucketRules = { scheme: 'gs', noun: 'bucket', name: /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/ };

/** What the former connector's samples had in place of a bucket. */
const PLACEHOLDERS: readonly unknown[] = [
  'YOUR_BUCKET',
  'YOUR_BUCKET_OR_BUCKET_PREFIX',
  'your-bucket',
  'your-bucket/prefix',
];
const asset = z
  .unknown()
  .superRefine((input, context) => {
    const found = [input].flat().find((one) => PLACEHOLDERS.includes(String(one).replace(/^gs:\/\//, '')));
    if (found === undefined) return;
    context.addIssue({ code: 'custom', message: `${String(found)} stands for a bucket of yours; name that` });
  })
  .pipe(bucketAssets(RULES));

const project = 'must be the id of a project, as my-project-123';
const endpointError = 'must be an http:// or https:// address without a path';

const STREAMED = 'bytes are streamed as they come';
const WATCH = 'watching is set by the field watch (pull: pubsub)';
const INVENTORY = 'buckets are found by project: see projectId';
const MISSPELT = 'nothing ever read it under this name; DSXCONNECTOR_ITEM_ACTION sets the action';

function each(names: readonly string[], reason: string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, reason]));
}

const PUBSUB = ['PROJECT_ID', 'SUBSCRIPTION', 'ENDPOINT', 'BATCH_MAX_ITEMS', 'BATCH_MAX_SECONDS'].flatMap((name) =>
  ['DSXCONNECTOR_PUBSUB', 'DSXCONNECTOR_GCS_PUBSUB', 'GCS_PUBSUB', 'PUBSUB'].map((prefix) => `${prefix}_${name}`),
);
const EVENT_TYPES = ['DSXCONNECTOR_MONITOR', 'DSXCONNECTOR_GCS_MONITOR', 'GCS_MONITOR'].map(
  (prefix) => `${prefix}_EVENT_TYPES`,
);

const isGoogle = (endpoint: unknown) => /^https?:\/\/([^/]*\.)?googleapis\.com(:|\/|$)/i.test(String(endpoint));

/** Objects of buckets of Google Cloud Storage. */
export const googleCloudStorage: Kind = {
  shape: {
    asset,
    quarantine: bucketQuarantine(RULES),
    endpoint: webAddress.refine((value) => new URL(value).pathname === '/', { error: endpointError }).optional(),
    projectId: z
      .string({ error: project })
      .regex(/^[a-z0-9][a-z0-9.:-]{3,62}$/, { error: project })
      .optional(),
    keyFile: absolutePath.optional(),
    credentials: secret.optional(),
    purge: onOff.optional(),
  },
  secrets: ['credentials'],
  local: ['keyFile'],
  addresses: { endpoint: 'google' },
  aliases: {
    GOOGLE_APPLICATION_CREDENTIALS: 'keyFile',
    DSXCONNECTOR_GOOGLE_APPLICATION_CREDENTIALS: 'keyFile',
    DSXCONNECTOR_GCS_CREDENTIALS_FILE: 'keyFile',
    GCS_CREDENTIALS_FILE: 'keyFile',
    GOOGLE_CLOUD_PROJECT: 'projectId',
    STORAGE_EMULATOR_HOST: 'endpoint',
  },
  retired: {
    DSXCONNECTOR_MONITOR: WATCH,
    ...each([...PUBSUB, ...EVENT_TYPES], WATCH),
    DSXCONNECTOR_GCS_ASSET_INVENTORY_SCOPE: INVENTORY,
    GCS_ASSET_INVENTORY_SCOPE: INVENTORY,
    CLOUD_ASSET_INVENTORY_SCOPE: INVENTORY,
    CHUNK_SIZE: STREAMED,
    DSXCONNECTOR_CHUNK_SIZE_BYTES: STREAMED,
    DSX_CONNECTOR_ITEM_ACTION: MISSPELT,
  },
  refine({ asset: assets, quarantine, keyFile, credentials, endpoint }, refuse) {
    // Other endpoints are asked without a login, where none is set.
    const login = keyFile !== undefined || credentials !== undefined || isGoogle(endpoint);
    if (login && isPlainFar(endpoint)) {
      refuse('endpoint', 'must be https: tokens are not sent over plain http');
    }
    if (keyFile !== undefined && credentials !== undefined) {
      refuse('credentials', 'sets the login, and so does keyFile: keep one of them');
    }
    if (!Array.isArray(assets) || typeof quarantine !== 'string') return;
    const fault = hiddenAsset(assets as string[], quarantine, RULES);
    if (fault !== undefined) refuse('quarantine', fault);
  },
  build(fields) {
    const { endpoint, projectId, keyFile, credentials, purge } = fields as Partial<GcsStorage>;
    const assets = fields.asset as readonly string[];
    return {
      kind: 'google_cloud_storage',
      asset: assets.join(', '),
      quarantine: fields.quarantine as string,
      storage: {
        assets,
        ...(endpoint !== undefined && { endpoint }),
        ...(projectId !== undefined && { projectId }),
        ...(keyFile !== undefined && { keyFile }),
        ...(credentials !== undefined && { credentials }),
        ...(purge !== undefined && { purge }),
      },
    };
  },
};
