import type { BucketPlace } from '../../domain/bucket-place.ts';
import type { Hidden } from '../../domain/hidden.ts';
import type { LedgerBucket } from '../../domain/ledger-place.ts';

/** Who asks. The default is the chain of the SDK: environment, profile, web identity, container, instance. */
export type AwsS3Access =
  | { readonly kind: 'default' }
  | {
      readonly kind: 'keys';
      readonly accessKeyId: Hidden;
      readonly secretAccessKey: Hidden;
      readonly sessionToken?: Hidden;
    }
  | { readonly kind: 'profile'; readonly profile: string };

/** A role that is taken on, by who asks or by a token of a web identity. */
export interface AwsS3Role {
  readonly roleArn: string;
  readonly externalId?: Hidden;
  readonly sessionName?: string;
  /** File with the token of a web identity, read anew whenever credentials are asked for. */
  readonly webIdentityTokenFile?: string;
}

/** What is scanned, and how it is reached. */
export interface AwsS3Storage {
  /** One `bucket` or `bucket/prefix/`, or several that do not overlap. */
  readonly assets: readonly string[];
  /** Absent: as the SDK finds it (environment, profile); with an endpoint `us-east-1`. */
  readonly region?: string;
  /** http(s) origin of another store that speaks S3. */
  readonly endpoint?: string;
  /** Buckets in the path instead of the host name. The default is on with an endpoint, else off. */
  readonly pathStyle?: boolean;
  readonly useFips?: boolean;
  readonly access: AwsS3Access;
  readonly role?: AwsS3Role;
  /** Versioned buckets: deletes exactly the judged version, instead of laying a delete marker over it. */
  readonly purge?: boolean;
}

export interface AwsS3Settings extends AwsS3Storage {
  readonly id: string;
  /** A prefix in the item's own bucket, or `s3://bucket/prefix`. The default is `dsxconnect-quarantine`. */
  readonly quarantine?: string;
  /** Our own ledger, when it lies in a bucket: never listed, opened or acted upon. */
  readonly ledger?: LedgerBucket;
  /** Quarantines of other connectors on this storage, and the configured one of this: never listed, opened or acted upon. */
  readonly reserved?: readonly BucketPlace[];
  /** Bytes above which an item is copied in parts, and the size of a part. The defaults are S3's 5 GiB, and 512 MiB. */
  readonly copyLimit?: number;
  readonly copyPart?: number;
}

export const DEFAULT_QUARANTINE = 'dsxconnect-quarantine';
