import type { Version } from '../../domain/item.ts';

/** What pins an object: the ETag as S3 sends it, and the version id where the bucket gives one. */
export interface Pin {
  readonly etag: string;
  /** Absent for the one version that has none (`null`), which is every object of a bucket without versioning. */
  readonly versionId?: string;
}

/** `s3:<ETag without quotes>` and, where there is a version id, `:<id>`. */
export function versionOf({ etag, versionId }: Pin): Version {
  const id = versionId === undefined || versionId === 'null' ? '' : `:${versionId}`;
  return `s3:${etag.replace(/^"|"$/g, '')}${id}`;
}

/** Undefined for what is no version of ours. */
export function pinOf(version: Version): Pin | undefined {
  const [, etag, versionId] = /^s3:([^:]+)(?::(.+))?$/s.exec(version) ?? [];
  if (etag === undefined) return undefined;
  return { etag: `"${etag}"`, ...(versionId !== undefined && { versionId }) };
}
