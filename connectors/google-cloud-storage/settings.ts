import type { BucketPlace } from '../../domain/bucket-place.ts';
import type { Hidden } from '../../domain/hidden.ts';
import type { LedgerBucket } from '../../domain/ledger-place.ts';

/** What a connector of the kind `google_cloud_storage` needs beside its id and quarantine. */
export interface GcsStorage {
  /** What is scanned: `bucket` or `bucket/prefix/`. None lies within another. */
  readonly assets: readonly string[];
  /** Origin of the service. Absent: Google's own. */
  readonly endpoint?: string;
  /** Project whose buckets are offered as assets. Absent: that of the credentials. */
  readonly projectId?: string;
  /** Absolute path of a credentials file: a service account's key, or a workload identity federation configuration. */
  readonly keyFile?: string;
  /** The text of such a file. */
  readonly credentials?: Hidden;
  /** Deletions remove exactly the judged generation for good, where the bucket would keep it as noncurrent. */
  readonly purge?: boolean;
}

export interface GcsSettings extends GcsStorage {
  readonly id: string;
  /** A prefix in the item's own bucket, or `gs://bucket/prefix`. Absent: `dsxconnect-quarantine`. */
  readonly quarantine?: string;
  /** Our own ledger, when it lies in a bucket: never listed, opened or acted upon. */
  readonly ledger?: LedgerBucket;
  /** Quarantines of other connectors on this storage, and the configured one of this: never listed, opened or acted upon. */
  readonly reserved?: readonly BucketPlace[];
}

export const DEFAULT_QUARANTINE = 'dsxconnect-quarantine';
export const GOOGLE_ENDPOINT = 'https://storage.googleapis.com';
