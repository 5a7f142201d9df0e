import { z } from 'zod';
import { awsS3 } from './aws-s3.ts';
import { azureBlobStorage } from './azure-blob-storage.ts';
import { COMMON_ALIASES, COMMON_RETIRED, COMMON_SECRETS, commonShape } from './common.ts';
import { filesystem } from './filesystem.ts';
import { googleCloudStorage } from './google-cloud-storage.ts';
import type { Fields, Kind } from './kind.ts';
import { onedrive } from './onedrive.ts';
import type { CommonSettings, ConnectorSettings } from './settings.ts';
import { sharepoint } from './sharepoint.ts';
import type { VendorService } from './vendor-hosts.ts';
import { PULL_ADDRESSES } from './watch/pull.ts';
import { type WatchSettings, watchFault } from './watch/watch.ts';
import { WEBHOOK_ADDRESSES, WEBHOOK_SECRETS, webhookFault } from './watch/webhook.ts';

export type { ConnectorSettings } from './settings.ts';

/** Every kind of connector that there is. */
export const KINDS: Readonly<Record<ConnectorSettings['kind'], Kind>> = {
  filesystem,
  aws_s3: awsS3,
  azure_blob_storage: azureBlobStorage,
  google_cloud_storage: googleCloudStorage,
  sharepoint,
  onedrive,
};

const KIND_NAMES = Object.keys(KINDS);
const kindError = `must be ${KIND_NAMES.length === 1 ? KIND_NAMES[0] : `one of ${KIND_NAMES.join(', ')}`}`;
const asFields = { error: 'must be a set of fields, each with a colon' };
const brakeError = 'needs maxActions: how many actions the window lets pass';

/** The fields that a connector of this kind has; of every kind, where it is not known. */
export function fieldsOf(kind: unknown): readonly string[] {
  const found = kindOf(kind);
  return [
    'id',
    'kind',
    ...Object.keys(found?.shape ?? { asset: 0, quarantine: 0 }),
    ...Object.keys(commonShape).slice(1),
  ];
}

/** Names of fields, and their old names, that hold secrets in some kind. */
export const SECRET_FIELDS: ReadonlySet<string> = new Set([
  ...COMMON_SECRETS,
  ...WEBHOOK_SECRETS,
  ...Object.values(KINDS).flatMap(({ secrets, aliases }) => [
    ...secrets,
    ...Object.keys(aliases).filter((alias) => secrets.includes(aliases[alias] ?? '')),
  ]),
]);

/** Names of fields, and their old names, that name something of the worker's host. */
export const HOST_FIELDS: ReadonlySet<string> = new Set([
  ...Object.values(KINDS).flatMap((kind) => named(kind, kind.local ?? [])),
  // Of `watch.pull`.
  'keyFile',
]);

/** Names of fields, and their old names, that hold the address of something that is asked. */
const ADDRESS_FIELDS: ReadonlySet<string> = new Set([
  ...Object.values(KINDS).flatMap((kind) => named(kind, Object.keys(kind.addresses ?? {}))),
  ...Object.values(PULL_ADDRESSES).flatMap((fields) => Object.keys(fields)),
  ...Object.keys(WEBHOOK_ADDRESSES),
]);

/** These fields of a kind, and their old names. */
function named({ aliases }: Kind, fields: readonly string[]): readonly string[] {
  return [...fields, ...Object.keys(aliases).filter((alias) => fields.includes(aliases[alias] ?? ''))];
}

/**
 * The vendor's service that the address in a field is meant for; `none` where no vendor serves anything, so that only what is allowed by name
 * will do. Undefined for a field that holds no address.
 * @param path names of fields, without places in lists
 */
export function serviceAt(kind: unknown, path: readonly string[]): VendorService | 'none' | undefined {
  const field = path.at(-1) ?? '';
  if (!ADDRESS_FIELDS.has(field)) return undefined;
  const [first, , source = ''] = path;
  if (first === 'watch') return (path[1] === 'webhook' ? WEBHOOK_ADDRESSES : PULL_ADDRESSES[source])?.[field] ?? 'none';
  const found = kindOf(kind);
  return found?.addresses?.[found.aliases[field] ?? field] ?? 'none';
}

/** One entry of `connectors:` in the file. Fields may have the names of the former connector's settings. */
export const connectorSchema = z
  .record(z.string(), z.unknown(), asFields)
  .transform((input, context): ConnectorSettings => {
    const kind = kindOf(input.kind);
    if (kind === undefined) {
      context.issues.push({ code: 'custom', input, path: ['kind'], message: kindError });
      return z.NEVER;
    }
    const { fields, given, refused } = renamed(input, kind);
    for (const { field, message } of refused) context.issues.push({ code: 'custom', input, path: [field], message });
    const parsed = schemaOf(kind).safeParse(fields);
    if (!parsed.success) {
      for (const issue of parsed.error.issues) {
        const [field, ...rest] = issue.path;
        const written = field === undefined ? [] : [given.get(String(field)) ?? field, ...rest];
        context.issues.push({ ...issue, input, path: written } as z.core.$ZodRawIssue);
      }
      return z.NEVER;
    }
    if (refused.length > 0) return z.NEVER;
    const { asset, quarantine, ...own } = parsed.data as Fields;
    const common = Object.fromEntries(Object.entries(own).filter(([field]) => Object.hasOwn(commonShape, field)));
    return { ...(common as unknown as CommonSettings), ...kind.build({ ...own, asset, quarantine }) };
  });

function kindOf(kind: unknown): Kind | undefined {
  return Object.hasOwn(KINDS, String(kind)) ? KINDS[kind as ConnectorSettings['kind']] : undefined;
}

function schemaOf(kind: Kind) {
  const shape = { kind: z.string(), ...kind.shape, ...commonShape };
  return z.strictObject(shape, asFields).superRefine((fields, context) => {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message, input: fields });
    if (fields.maxActionsWindow !== undefined && fields.maxActions === undefined)
      refuse('maxActionsWindow', brakeError);
    const watch = fields.watch as WatchSettings | undefined;
    const fault = watch === undefined ? undefined : watchFault(String(fields.kind), watch);
    if (fault !== undefined) {
      context.addIssue({ code: 'custom', path: ['watch', ...fault.field], message: fault.message, input: fields });
    }
    kind.refine?.(fields, refuse);
    const { webhook } = (fields.watch ?? {}) as WatchSettings;
    const misfit = webhook === undefined ? undefined : webhookFault(String(fields.kind), webhook);
    if (misfit === undefined) return;
    const path = ['watch', 'webhook', misfit.index, 'source'];
    context.addIssue({ code: 'custom', path, message: misfit.message, input: fields });
  });
}

interface Renamed {
  readonly fields: Record<string, unknown>;
  /** The name that was written, by field. */
  readonly given: ReadonlyMap<string, string>;
  readonly refused: readonly { readonly field: string; readonly message: string }[];
}

/** Old names replaced by the fields that they set. */
function renamed(input: Fields, kind: Kind): Renamed {
  const aliases: Readonly<Record<string, string>> = { ...COMMON_ALIASES, ...kind.aliases };
  const retired: Readonly<Record<string, string>> = { ...COMMON_RETIRED, ...kind.retired };
  const fields: Record<string, unknown> = {};
  const given = new Map<string, string>();
  const refused: { field: string; message: string }[] = [];
  for (const [name, value] of Object.entries(input)) {
    const field = Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name;
    const reason = Object.hasOwn(retired, name) ? retired[name] : undefined;
    const other = given.get(field);
    if (field === name && reason !== undefined) {
      refused.push({ field: name, message: `is a setting of the former connector that sets nothing here: ${reason}` });
    } else if (other !== undefined) {
      refused.push({ field: name, message: `sets the same as ${other}; keep one of them` });
    } else {
      fields[field] = value;
      given.set(field, name);
    }
  }
  return { fields, given, refused };
}
