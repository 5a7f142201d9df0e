import { z } from 'zod';
import { EVENT_GRID_APP, type SecretPlace, WEBHOOK_SOURCES, type Webhook } from '../../../domain/webhook.ts';
import { isPlainFar, webAddress } from '../../fields.ts';
import { MissingSecret, secret } from '../secret-field.ts';
import type { VendorService } from '../vendor-hosts.ts';

const asFields = { error: 'must be a set of fields, each with a colon' };
const word = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, { error });

/** Where a secret is shown unless the file says otherwise. */
export const SECRET_HEADER = 'x-dsx-webhook-secret';
/** Fewest characters of a secret that is shown. */
const LEAST_SECRET = 16;
/** Bytes of a secret that is signed with, by Standard Webhooks. */
const SIGNING = { least: 24, most: 64 };

const SIGNING_SECRET = `must be base64 of ${SIGNING.least} to ${SIGNING.most} bytes, with or without whsec_ in front: openssl rand -base64 32`;
const HEADER = 'must be the name of a header, as x-dsx-webhook-secret';
const QUERY = 'must be the name of a parameter, as key';
const TOPIC = 'must be the ARN of a topic, as arn:aws:sns:eu-central-1:123456789012:uploads';
const ACCOUNT = 'must be the resource id of a storage account: /subscriptions/…/storageAccounts/name';
const TENANT = 'must be the id of a tenant';
const OUTSIDE =
  'must be the https address that Graph calls, as https://dsx.example.com/dsx-connect/api/v1/events/graph/ID';

const shown = secret.refine((value) => value instanceof MissingSecret || value.reveal().length >= LEAST_SECRET, {
  error: `must have at least ${LEAST_SECRET} characters: openssl rand -hex 32`,
});

const signing = secret.refine(
  (value) => {
    if (value instanceof MissingSecret) return true;
    const text = value.reveal().replace(/^whsec_/, '');
    const { length } = Buffer.from(text, 'base64');
    return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && length >= SIGNING.least && length <= SIGNING.most;
  },
  { error: SIGNING_SECRET },
);

/** Kept from what ordinary requests carry: a secret there would be no secret. */
const RESERVED = /^(host|content-|accept|user-agent|connection|transfer-encoding|x-forwarded-|origin$|referer$)/;
const header = word(/^[A-Za-z0-9-]{1,64}$/, HEADER)
  .transform((name) => name.toLowerCase())
  .refine((name) => !RESERVED.test(name), { error: 'is a header that has another meaning: choose one of its own' });
const query = word(/^[A-Za-z0-9_-]{1,32}$/, QUERY).refine((name) => name !== 'validationToken', { error: QUERY });

const secured = webAddress.refine((url) => !isPlainFar(url), {
  error: 'must be https: keys are not fetched over plain http',
});
/** For sovereign clouds, and tests. */
const authority = { issuer: z.string({ error: 'must be text' }).min(1).optional(), jwksUrl: secured.optional() };
const id = word(/^[0-9a-fA-F-]{36}$/, 'must be the id of an application');
const audience = word(/^\S{1,1024}$/, 'must be the audience that tokens are asked for');

const s3 = z
  .strictObject(
    {
      source: z.literal('s3'),
      topic: word(
        /^arn:(?:aws|aws-cn|aws-us-gov):sns:[a-z0-9-]{1,32}:\d{12}:[\w-]{1,256}(?:\.fifo)?$/,
        TOPIC,
      ).optional(),
      secret: shown.optional(),
      previousSecret: shown.optional(),
      header: header.optional(),
    },
    asFields,
  )
  .transform(({ source, topic, secret: own, ...rest }, context): Webhook => {
    if (topic !== undefined && own === undefined && rest.previousSecret === undefined && rest.header === undefined) {
      return { source, verify: 'sns', topic };
    }
    if (topic === undefined && own !== undefined)
      return { source, verify: 'secret', ...place(rest), secret: own, ...previous(rest) };
    return refused(
      context,
      'secret',
      'give either topic (messages of SNS) or secret (EventBridge, Lambda): who calls must be proven',
    );
  });

const eventGrid = z
  .strictObject(
    {
      source: z.literal('event-grid'),
      topic: word(/^\/subscriptions\/\S+$/i, ACCOUNT).optional(),
      secret: shown.optional(),
      previousSecret: shown.optional(),
      header: header.optional(),
      query: query.optional(),
      tenantId: word(/^[A-Za-z0-9.-]{1,253}$/, TENANT).optional(),
      audience: audience.optional(),
      clientId: id.optional(),
      ...authority,
    },
    asFields,
  )
  .transform(({ source, topic, ...given }, context): Webhook => {
    const { tenantId, audience: wanted, clientId, issuer, jwksUrl, secret: own, ...rest } = given;
    const of = topic === undefined ? { source } : { source, topic };
    const entra = [tenantId, wanted, clientId, issuer, jwksUrl].some((value) => value !== undefined);
    const shows = [own, rest.previousSecret, rest.header, rest.query].some((value) => value !== undefined);
    if (rest.header !== undefined && rest.query !== undefined)
      return refused(context, 'query', 'does not go with header: keep one of them');
    if (!entra && own !== undefined) return { ...of, verify: 'secret', ...place(rest), secret: own, ...previous(rest) };
    if (!shows && tenantId !== undefined && wanted !== undefined) {
      const more = { ...(issuer !== undefined && { issuer }), ...(jwksUrl !== undefined && { jwksUrl }) };
      return { ...of, verify: 'entra', tenantId, audience: wanted, clientId: clientId ?? EVENT_GRID_APP, ...more };
    }
    return refused(
      context,
      'secret',
      'give either tenantId and audience (tokens of Entra) or secret: who calls must be proven',
    );
  });

const pubsub = z
  .strictObject(
    {
      source: z.literal('pubsub'),
      audience,
      serviceAccount: word(/^[^\s@]+@[^\s@]+$/, 'must be the e-mail of the service account that pushes'),
      subscription: word(
        /^projects\/[^/\s]+\/subscriptions\/[^/\s]+$/,
        'must be projects/PROJECT/subscriptions/NAME',
      ).optional(),
      ...authority,
    },
    asFields,
  )
  .transform(
    ({ subscription, issuer, jwksUrl, ...needed }): Webhook => ({
      ...needed,
      ...(subscription !== undefined && { subscription }),
      ...(issuer !== undefined && { issuer }),
      ...(jwksUrl !== undefined && { jwksUrl }),
    }),
  );

const graph = z
  .strictObject(
    {
      source: z.literal('graph'),
      url: webAddress.refine((url) => url.startsWith('https://') && !/[?#@]/.test(url), { error: OUTSIDE }),
      secret: shown,
      previousSecret: shown.optional(),
      ...authority,
    },
    asFields,
  )
  .transform(
    ({ source, url, secret: own, issuer, jwksUrl, ...rest }): Webhook => ({
      source,
      url,
      secret: own,
      ...previous(rest),
      ...(issuer !== undefined && { issuer }),
      ...(jwksUrl !== undefined && { jwksUrl }),
    }),
  );

const signed = z
  .strictObject({ source: z.literal('signed'), secret: signing, previousSecret: signing.optional() }, asFields)
  .transform(({ source, secret: own, ...rest }): Webhook => ({ source, secret: own, ...previous(rest) }));

const SOURCES = { s3, 'event-grid': eventGrid, pubsub, graph, signed } as const;

const entry = z.record(z.string(), z.unknown(), asFields).transform((input, context): Webhook => {
  const source = WEBHOOK_SOURCES.find((name) => name === input.source);
  if (source === undefined) return refused(context, 'source', `must be one of ${WEBHOOK_SOURCES.join(', ')}`);
  const parsed = SOURCES[source].safeParse(input);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) context.issues.push({ ...issue, input } as z.core.$ZodRawIssue);
  return z.NEVER;
});

const LIST = 'must be a list, each entry with a hyphen and its source';

/** `webhook:` of `watch:`: who may call for this connector, each with what proves it. */
export const webhookSchema = z.array(entry, { error: LIST }).min(1, { error: LIST });

export type WebhookSettings = readonly Webhook[];

/** The fields of an entry with each source. */
export const WEBHOOK_SHAPES: Readonly<Record<Webhook['source'], Readonly<Record<string, z.ZodType>>>> = {
  s3: s3.in.shape,
  'event-grid': eventGrid.in.shape,
  pubsub: pubsub.in.shape,
  graph: graph.in.shape,
  signed: signed.in.shape,
};

/** The fields of an entry with this source. */
export function webhookFields(source: unknown): readonly string[] {
  const found = WEBHOOK_SOURCES.find((name) => name === source);
  return found === undefined ? ['source'] : Object.keys(WEBHOOK_SHAPES[found]);
}

/** Names of fields here that hold secrets. */
export const WEBHOOK_SECRETS: readonly string[] = ['secret', 'previousSecret'];

/** Those that hold the address of something that is asked, each with the vendor's service that it is meant for. */
export const WEBHOOK_ADDRESSES: Readonly<Record<string, VendorService>> = { jwksUrl: 'token-keys' };

const FITTING: Readonly<Record<string, Webhook['source']>> = {
  aws_s3: 's3',
  azure_blob_storage: 'event-grid',
  google_cloud_storage: 'pubsub',
  sharepoint: 'graph',
  onedrive: 'graph',
};

/** What is wrong with these webhooks on a connector of this kind, with the place in the list; undefined: nothing. */
export function webhookFault(
  kind: string,
  webhooks: WebhookSettings,
): { readonly index: number; readonly message: string } | undefined {
  const fits = FITTING[kind] === undefined ? ['signed'] : [FITTING[kind], 'signed'];
  const index = webhooks.findIndex(({ source }) => !fits.includes(source));
  if (index === -1) return undefined;
  return {
    index,
    message: `${webhooks[index]?.source} does not call for a ${kind} connector: use ${fits.join(' or ')}`,
  };
}

/** Those that this process needs the secrets of: the API of all, a worker only to make subscriptions. */
export function webhooksFor(process: 'api' | 'worker', webhooks: WebhookSettings = []): WebhookSettings {
  return process === 'api' ? webhooks : webhooks.filter(({ source }) => source === 'graph');
}

function place({ header, query }: { header?: string | undefined; query?: string | undefined }): {
  readonly at: SecretPlace;
} {
  return { at: query === undefined ? { header: header ?? SECRET_HEADER } : { query } };
}

function previous<T>({ previousSecret }: { previousSecret?: T | undefined }): { previousSecret?: T } {
  return previousSecret === undefined ? {} : { previousSecret };
}

function refused(
  context: { readonly issues: z.core.$ZodRawIssue[]; readonly value: unknown },
  field: string,
  message: string,
): never {
  context.issues.push({ code: 'custom', input: context.value, path: [field], message });
  return z.NEVER;
}
