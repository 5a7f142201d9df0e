import { z } from 'zod';
import { isRemoteId } from '../domain/remote.ts';
import type * as contract from './storage-contract.ts';

const KINDS = ['filesystem', 'aws_s3', 'azure_blob_storage', 'google_cloud_storage', 'sharepoint', 'onedrive'] as const;

const id = z
  .string()
  .regex(/^[a-z0-9-]{1,63}$/, 'must be 1 to 63 lower-case letters, digits and hyphens')
  .refine((value) => !isRemoteId(value), 'must not be a UUID: those are of connectors that register by themselves');
const revision = z.int().min(1).max(9_999_999_999).optional();
const fields = { kind: z.enum(KINDS), asset: z.unknown() };

/** Beside `kind` and `asset` every field of a connector of the configuration file. */
export const createConnectorBody = z.looseObject({ id, ...fields }) satisfies z.ZodType<contract.CreateConnectorBody>;
export const replaceConnectorBody = z.looseObject({
  ...fields,
  revision,
}) satisfies z.ZodType<contract.ReplaceConnectorBody>;
export const connectorDeleted = z.strictObject({
  id: z.string(),
  deleted: z.literal(true),
}) satisfies z.ZodType<contract.ConnectorDeleted>;
