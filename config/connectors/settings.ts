import type { AwsS3Storage } from '../../connectors/aws-s3/settings.ts';
import type { AzureBlobStorage } from '../../connectors/azure-blob/settings.ts';
import type { GcsStorage } from '../../connectors/google-cloud-storage/settings.ts';
import type { OnedriveStorage, SharepointStorage } from '../../connectors/graph/settings.ts';
import type { ItemAction } from '../../domain/action.ts';
import type { Hidden } from '../../domain/hidden.ts';
import type { WatchSettings } from './watch/watch.ts';

/** What every connector has. */
export interface CommonSettings {
  readonly id: string;
  /** What is scanned, as a person names it: a folder, buckets with their prefixes, a library. */
  readonly asset: string;
  /** As it was written; it parses. Empty: everything. */
  readonly filter: string;
  readonly action: ItemAction;
  /** Where moved items go, as the kind names it. Absent: whoever starts a scan chooses, or the kind has a place of its own. */
  readonly quarantine?: string;
  /** Bytes. Absent: no limit of our own. */
  readonly maxSize?: number;
  readonly site?: string;
  /** Goes along with each scan, for encrypted archives. For the workers' scanner, and nowhere else. */
  readonly scanPassword?: Hidden;
  /** Item actions within the window that need nobody's approval. Absent: no limit. */
  readonly maxActions?: number;
  /** Seconds. */
  readonly maxActionsWindow?: number;
  /** Absent: it is scanned when somebody asks for it. May hold secrets, as `storage`. */
  readonly watch?: WatchSettings;
}

/** What each kind has beside that. `storage` holds secrets: it goes to the workers' connectors, and nowhere else. */
export type KindSettings = { readonly asset: string; readonly quarantine?: string } & (
  | { readonly kind: 'filesystem' }
  | { readonly kind: 'aws_s3'; readonly storage: AwsS3Storage }
  | { readonly kind: 'azure_blob_storage'; readonly storage: AzureBlobStorage }
  | { readonly kind: 'google_cloud_storage'; readonly storage: GcsStorage }
  | { readonly kind: 'sharepoint'; readonly storage: SharepointStorage }
  | { readonly kind: 'onedrive'; readonly storage: OnedriveStorage }
);

/** A connector of the configuration: a named binding to one storage. */
export type ConnectorSettings = CommonSettings & KindSettings;
