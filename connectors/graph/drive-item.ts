import { z } from 'zod';
import type { Item } from '../../domain/item.ts';
import type { ListScope } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { versionOf } from './version.ts';

const facet = z.looseObject({}).nullish();

/** What is read of an item of a drive. */
const DRIVE_ITEM = z.object({
  id: z.string().min(1),
  name: z.string().optional(),
  size: z.number().optional(),
  eTag: z.string().optional(),
  /** Drives of SharePoint and OneDrive for Business leave it out of their deltas. */
  cTag: z.string().optional(),
  lastModifiedDateTime: z.string().optional(),
  parentReference: z.object({ id: z.string().optional(), path: z.string().optional() }).nullish(),
  file: z.looseObject({ hashes: z.looseObject({ quickXorHash: z.string().optional() }).nullish() }).nullish(),
  folder: facet,
  /** A notebook: a folder that shows itself as one thing. */
  package: facet,
  root: facet,
  deleted: facet,
  /** A shortcut to an item of another drive. */
  remoteItem: facet,
  malware: facet,
  /** Good for itself, for an hour: it needs no token, and must not be kept. */
  '@microsoft.graph.downloadUrl': z.string().optional(),
});
export type DriveItem = z.infer<typeof DRIVE_ITEM>;

export const DELTA_PAGE = z.object({
  value: z.array(DRIVE_ITEM),
  '@odata.nextLink': z.string().optional(),
  '@odata.deltaLink': z.string().optional(),
});

export const SELECTED =
  'id,name,size,eTag,cTag,file,folder,package,root,deleted,remoteItem,malware,parentReference,lastModifiedDateTime';

/** What is needed to read a file: with the address of the content, which is costly for many items. */
export const SELECTED_TO_READ =
  'id,size,cTag,file,folder,package,root,deleted,lastModifiedDateTime,@microsoft.graph.downloadUrl';

/** What tells whether an item is still at the version that was read. */
export const SELECTED_TO_COMPARE = 'id,cTag,deleted';

export function driveItemOf(body: unknown, what: string): DriveItem {
  return readAs(DRIVE_ITEM, body, what);
}

/** @throws ConnectorError `configuration` when whatever answered does not speak as Graph does */
export function readAs<Schema extends z.ZodType>(schema: Schema, body: unknown, what: string): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  const message = `${what}: the answer is not what Microsoft Graph answers (${where || 'its whole'}); check the address of Graph in the settings`;
  throw new ConnectorError('configuration', message);
}

/** Whether names below it are names of items: a folder, the root, a notebook. */
export function isFolder({ folder, root, package: notebook }: DriveItem): boolean {
  return Boolean(folder ?? root ?? notebook);
}

/** When it was last changed, ISO 8601 in UTC; nothing where Graph gives no time. */
export function modifiedOf({ lastModifiedDateTime: time = '' }: DriveItem): { readonly modified?: string } {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? {} : { modified: at.toISOString() };
}

/** The item as a page of the ledger holds it. */
export function itemOf(location: string, found: DriveItem, { maxSize }: Pick<ListScope, 'maxSize'> = {}): Item {
  const { cTag, size } = found;
  const facts = {
    location,
    ...(cTag !== undefined && { version: versionOf({ id: found.id, cTag }) }),
    ...(size !== undefined && { size }),
    ...modifiedOf(found),
  };
  if (found.remoteItem) return { ...facts, skip: 'link' };
  if (!found.file || found.package) return { ...facts, skip: 'special' };
  return maxSize !== undefined && (size ?? 0) > maxSize ? { ...facts, skip: 'size' } : facts;
}
