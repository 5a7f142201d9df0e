import { z } from 'zod';
import type { PullSettings } from '../../../connectors/feed-settings.ts';
import { absolutePath, duration, isPlainFar, webAddress } from '../../fields.ts';
import { secret } from '../secret-field.ts';
import type { VendorService } from '../vendor-hosts.ts';

const asFields = { error: 'must be a set of fields, each with a colon' };
const word = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, { error });

const QUEUE_URL = 'must be the URL of a queue, as https://sqs.eu-central-1.amazonaws.com/123456789012/name';
const SUBSCRIPTION = 'must be a subscription, as projects/my-project/subscriptions/name';
const QUEUE = 'must be the name of a queue: 3 to 63 small letters, digits and single hyphens';
const VISIBILITY = 'must be a length of time from 10s to 12h, as 60s';

const together = (given: Readonly<Record<string, unknown>>, one: string, other: string) =>
  (given[one] === undefined) === (given[other] === undefined);
const visibility = duration(43_200, VISIBILITY).refine((seconds) => seconds >= 10, { error: VISIBILITY });

const sqs = z
  .strictObject(
    {
      queueUrl: webAddress.refine((url) => /\/[\w-]{1,80}(\.fifo)?$/.test(url), { error: QUEUE_URL }),
      region: word(/^[a-z0-9-]{1,64}$/, 'must be a region, as eu-central-1').optional(),
      endpoint: webAddress.optional(),
      accessKeyId: secret.optional(),
      secretAccessKey: secret.optional(),
      sessionToken: secret.optional(),
      visibility: visibility.optional(),
    },
    asFields,
  )
  .refine((given) => together(given, 'accessKeyId', 'secretAccessKey'), {
    error: 'accessKeyId and secretAccessKey go together',
    path: ['secretAccessKey'],
  });

const pubsub = z
  .strictObject(
    {
      subscription: word(
        /^projects\/[a-z][a-z0-9.:-]{0,61}[a-z0-9]\/subscriptions\/[A-Za-z][\w.~+%-]{2,254}$/,
        SUBSCRIPTION,
      ),
      endpoint: word(/^(https?:\/\/)?[\w.-]+:\d{1,5}$/, 'must be host:port, as 127.0.0.1:8085').optional(),
      keyFile: absolutePath.optional(),
      credentials: secret.optional(),
    },
    asFields,
  )
  .refine(({ keyFile, credentials }) => keyFile === undefined || credentials === undefined, {
    error: 'keyFile and credentials say the same: keep one of them',
    path: ['credentials'],
  });

const storageQueue = z
  .strictObject(
    {
      queue: word(/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/, QUEUE),
      endpoint: webAddress.refine((url) => !/[?#@]/.test(url), { error: 'must have no user and no query' }).optional(),
      account: word(/^[a-z0-9]{3,24}$/, 'must be the name of a storage account').optional(),
      connectionString: secret.optional(),
      accountKey: secret.optional(),
      sas: secret.optional(),
      visibility: visibility.optional(),
    },
    asFields,
  )
  .refine((given) => [given.connectionString, given.accountKey, given.sas].filter(isGiven).length <= 1, {
    error: 'connectionString, accountKey and sas do the same: keep one of them',
    path: ['sas'],
  })
  .refine(({ sas, endpoint }) => sas === undefined || !isPlainFar(endpoint), {
    error: 'must be https: a signature is not sent over plain http',
    path: ['endpoint'],
  });

const delta = z.strictObject(
  { interval: duration(86_400, 'must be a length of time up to 1d, as 30s').default(30) },
  asFields,
);

const files = z.strictObject(
  {
    settle: duration(3_600, 'must be a length of time up to 1h, as 2s').default(2),
    poll: duration(86_400, 'must be a length of time up to 1d, as 30s').optional(),
  },
  asFields,
);

const SOURCES = { sqs, pubsub, 'storage-queue': storageQueue, delta, files } as const;
type SourceName = keyof typeof SOURCES;

/** The fields of each source. */
export const PULL_SHAPES: Readonly<Record<SourceName, Readonly<Record<string, z.ZodType>>>> = {
  sqs: sqs.shape,
  pubsub: pubsub.shape,
  'storage-queue': storageQueue.shape,
  delta: delta.shape,
  files: files.shape,
};

/** Those of them that hold the address of something that is asked, each with the vendor's service that it is meant for. */
export const PULL_ADDRESSES: Readonly<Record<string, Readonly<Record<string, VendorService>>>> = {
  sqs: { queueUrl: 'sqs', endpoint: 'sqs' },
  pubsub: { endpoint: 'google' },
  'storage-queue': { endpoint: 'azure-storage' },
};
const NAMES = Object.keys(SOURCES) as SourceName[];
const ONE = `must name one source: ${NAMES.join(', ')}`;

/** `pull:` of `watch:`: one source and its fields; the name alone is enough where no field is needed. */
export const pullSchema = z
  .union([z.string(), z.record(z.string(), z.unknown())], { error: ONE })
  .transform((input, context): PullSettings => {
    const given = typeof input === 'string' ? { [input]: null } : input;
    const [name, second] = Object.keys(given);
    const known = NAMES.find((one) => one === name);
    if (known === undefined || second !== undefined) {
      context.issues.push({ code: 'custom', input, message: ONE });
      return z.NEVER;
    }
    const parsed = SOURCES[known].safeParse(given[known] ?? {});
    if (parsed.success) return { kind: known, ...withoutHoles(parsed.data) } as PullSettings;
    for (const issue of parsed.error.issues) {
      const path = typeof input === 'string' ? [] : [known, ...issue.path];
      context.issues.push({ ...issue, input, path } as z.core.$ZodRawIssue);
    }
    return z.NEVER;
  });

function isGiven(value: unknown): boolean {
  return value !== undefined;
}

function withoutHoles(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
