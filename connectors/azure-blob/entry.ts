import type { Item, Version } from '../../domain/item.ts';

/** An ETag without its quotes, which headers have and listings have not. */
export function versionOf(etag: string | undefined): Version {
  if (etag === undefined) return '';
  const from = etag.startsWith('W/"') ? 3 : etag.startsWith('"') ? 1 : 0;
  return from > 0 && etag.length > from && etag.endsWith('"') ? etag.slice(from, -1) : etag;
}

/** The ETag of a version, for a condition. */
export function etagOf(version: Version): string {
  return `"${version}"`;
}

/** What headers and listings say of a blob alike. */
export interface BlobFacts {
  readonly etag?: string;
  readonly contentLength?: number;
  readonly lastModified?: Date;
  readonly accessTier?: string;
  readonly archiveStatus?: string;
  readonly customerProvidedKeySha256?: string;
}

/** A folder of a hierarchical namespace is a blob without bytes that says so. Anybody can say so of a blob that has some. */
export function isFolder(metadata: Readonly<Record<string, string>> | undefined, size: number | undefined): boolean {
  if ((size ?? 0) > 0) return false;
  return Object.entries(metadata ?? {}).some(
    ([name, value]) => name.toLowerCase() === 'hdi_isfolder' && value === 'true',
  );
}

/** @param maxSize larger items are marked as skipped */
export function itemOf(location: string, facts: BlobFacts, maxSize?: number): Item {
  const size = facts.contentLength ?? 0;
  const unscannable = unscannableOf(facts);
  return {
    location,
    version: versionOf(facts.etag),
    size,
    ...(facts.lastModified !== undefined && { modified: facts.lastModified.toISOString() }),
    ...(maxSize !== undefined && size > maxSize && { skip: 'size' as const }),
    ...(unscannable !== undefined && { unscannable }),
  };
}

function unscannableOf(facts: BlobFacts): Item['unscannable'] {
  if (facts.accessTier === 'Archive') {
    const state =
      facts.archiveStatus === undefined ? 'rehydrate it first' : `it is being rehydrated (${facts.archiveStatus})`;
    return { reason: 'archived', detail: `it is in the archive tier; ${state}` };
  }
  if (facts.customerProvidedKeySha256 === undefined) return undefined;
  return { reason: 'customer_key', detail: 'it is encrypted with a key that its owner sends with every request' };
}

/** An item of a listing whose name no request can be made for. */
export function unaddressable(item: Item): Item {
  const { location, size, modified } = item;
  const fault = { class: 'not_an_item', detail: 'an address with this name would lead elsewhere' };
  return { location, ...(size !== undefined && { size }), ...(modified !== undefined && { modified }), fault };
}
