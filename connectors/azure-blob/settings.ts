import type { BucketPlace } from '../../domain/bucket-place.ts';
import type { Hidden } from '../../domain/hidden.ts';
import type { LedgerBucket } from '../../domain/ledger-place.ts';

/** One place to scan: a container, or what lies below a prefix of it. */
export interface AzureAsset {
  readonly container: string;
  /** Empty, or ends with `/`. */
  readonly prefix: string;
}

/** How the account is reached and what proves who asks. `endpoint`: URL of the blob service, without a slash at its end. */
export type AzureAccess =
  /** As the portal shows it, or the same in base64. */
  | { readonly method: 'connection-string'; readonly connectionString: Hidden }
  | { readonly method: 'account-key'; readonly endpoint: string; readonly account: string; readonly accountKey: Hidden }
  /** A shared access signature: the query with or without its question mark. */
  | { readonly method: 'sas'; readonly endpoint: string; readonly sas: Hidden }
  | { readonly method: 'managed-identity'; readonly endpoint: string; readonly clientId?: string }
  | {
      readonly method: 'workload-identity';
      readonly endpoint: string;
      readonly clientId?: string;
      readonly tenantId?: string;
      /** File with the federated token; absent: the one that the platform names in AZURE_FEDERATED_TOKEN_FILE. */
      readonly tokenFile?: string;
      readonly authorityHost?: string;
    }
  | {
      readonly method: 'client-secret';
      readonly endpoint: string;
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: Hidden;
      readonly authorityHost?: string;
    };

/** What the configuration says of the storage. */
export interface AzureBlobStorage {
  /** At least one; no two overlap. */
  readonly assets: readonly AzureAsset[];
  readonly access: AzureAccess;
  /** What the action `tag` writes: blob index tags, or metadata. */
  readonly tags: 'index' | 'metadata';
  /** Deletes snapshots and the version that was judged along with the blob. */
  readonly purge: boolean;
  /** Blobs asked for in one request of a listing. */
  readonly pageSize: number;
}

export interface AzureBlobSettings extends AzureBlobStorage {
  readonly id: string;
  /** A prefix in the item's own container, or `az://container` or `az://container/prefix`. */
  readonly quarantine?: string;
  /** Our own ledger, when it lies in a bucket: never listed, opened or acted upon. */
  readonly ledger?: LedgerBucket;
  /** Quarantines of other connectors on this storage, and the configured one of this: never listed, opened or acted upon. */
  readonly reserved?: readonly BucketPlace[];
}
