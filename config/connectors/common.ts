import { z } from 'zod';
import { ITEM_ACTIONS, type ItemAction } from '../../domain/action.ts';
import { FilterError, parseFilter } from '../../domain/filter/filter.ts';
import { LONGEST_ACTIONS_WINDOW } from '../../domain/job.ts';
import { bytes, duration, integer, name } from '../fields.ts';
import { MissingSecret, secret } from './secret-field.ts';
import { watchSchema } from './watch/watch.ts';

const accepted = ITEM_ACTIONS.join(', ');

/** Any case; `move_tag` is another spelling of `movetag`. */
export const action = z.string({ error: `must be one of ${accepted}` }).transform((input, context): ItemAction => {
  const wanted = input.trim().toLowerCase().replace(/[_-]/g, '');
  const found = ITEM_ACTIONS.find((known) => known === wanted);
  if (found !== undefined) return found;
  context.issues.push({ code: 'custom', input, message: `must be one of ${accepted}` });
  return z.NEVER;
});

export const filter = z.string({ error: 'must be text; put quotes around it' }).superRefine((input, context) => {
  try {
    parseFilter(input);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    context.addIssue({
      code: 'custom',
      message: `the filter does not parse at column ${error.column}: ${error.message}`,
    });
  }
});

/** Job and workflow ids of folders that are no connector begin so. */
const FOLDER_PREFIX = 'folder-';

const id = name.refine((value) => !value.startsWith(FOLDER_PREFIX), {
  error: `must not start with ${FOLDER_PREFIX}, which is kept for folders that are scanned without a connector`,
});

/** Longest password in bytes: with base64 it is far below what servers take in one header. */
const LONGEST_PASSWORD = 1_024;

const scanPassword = secret.refine(
  (value) => value instanceof MissingSecret || Buffer.byteLength(value.reveal(), 'utf8') <= LONGEST_PASSWORD,
  { error: `must have ${LONGEST_PASSWORD} bytes at most` },
);

/** Fields of every connector, but for `kind`. */
export const commonShape = {
  id,
  filter: filter.default(''),
  action: action.default('nothing'),
  maxSize: bytes.optional(),
  site: name.optional(),
  scanPassword: scanPassword.optional(),
  maxActions: integer(0, 1_000_000_000).optional(),
  maxActionsWindow: duration(LONGEST_ACTIONS_WINDOW, 'must be a length of time up to 31d, as 1h or 30m').optional(),
  watch: watchSchema.optional(),
};

/** Those of them that hold a secret. */
export const COMMON_SECRETS: readonly string[] = [
  'scanPassword',
  // Of `watch.pull`.
  ...['accessKeyId', 'secretAccessKey', 'sessionToken', 'credentials', 'connectionString', 'accountKey', 'sas'],
];

/** Names of the former connectors' common settings. */
export const COMMON_ALIASES: Readonly<Record<string, string>> = {
  DSXCONNECTOR_ASSET: 'asset',
  DSXCONNECTOR_FILTER: 'filter',
  DSXCONNECTOR_ITEM_ACTION: 'action',
  DSXCONNECTOR_ITEM_ACTION_MOVE_METAINFO: 'quarantine',
};

const SERVICE = 'connectors are no services of their own here';
const TRUST = 'a connector does not call the API here';

/** Those that set nothing here. */
export const COMMON_RETIRED: Readonly<Record<string, string>> = {
  DSXCONNECTOR_NAME: 'the field id names the connector',
  DSXCONNECTOR_CONNECTOR_URL: SERVICE,
  DSXCONNECTOR_DSX_CONNECT_URL: SERVICE,
  DSXCONNECTOR_DSX_CONNECT_NG_URL: SERVICE,
  DSXCONNECTOR_REGISTER_WITH_CORE: SERVICE,
  DSXCONNECTOR_REGISTER_WITH_NG_CONTROL_PLANE: SERVICE,
  DSXCONNECTOR_DATA_DIR: SERVICE,
  DSXCONNECTOR_DISPLAY_NAME: 'the field id names the connector',
  DSXCONNECTOR_DISPLAY_ICON: 'there are no icons',
  DSXCONNECTOR_USE_TLS: SERVICE,
  DSXCONNECTOR_TLS_CERTFILE: SERVICE,
  DSXCONNECTOR_TLS_KEYFILE: SERVICE,
  DSXCONNECTOR_VERIFY_TLS: TRUST,
  DSXCONNECTOR_CA_BUNDLE: TRUST,
  DSXCONNECTOR_AUTH__ENABLED: SERVICE,
  DSXCONNECTOR_AUTH__HMAC_KEY_ID: SERVICE,
  DSXCONNECTOR_AUTH__HMAC_SECRET: SERVICE,
  DSXCONNECTOR_CONFIG_PERSIST_LOCAL_ONLY: 'the configuration is never written by the product',
  DSXCONNECTOR_SCAN_CONCURRENCY: 'the scanner sets the pace; see limits',
  DSXCONNECTOR_FULL_SCAN_ENQUEUE_CONCURRENCY: 'the scanner sets the pace; see limits',
};
