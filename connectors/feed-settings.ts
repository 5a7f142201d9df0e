import type { Hidden } from '../domain/hidden.ts';

/** A queue of Amazon SQS that a bucket, a topic of SNS or EventBridge sends to. What is absent is the connector's own. */
export interface SqsSettings {
  readonly kind: 'sqs';
  readonly queueUrl: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly accessKeyId?: Hidden;
  readonly secretAccessKey?: Hidden;
  readonly sessionToken?: Hidden;
  /** Seconds that the queue hides a message while it is handed over; lengthened as long as that lasts. Default 60. */
  readonly visibility?: number;
}

/** A pull subscription of Google Cloud Pub/Sub. What is absent is the connector's own. */
export interface PubSubSettings {
  readonly kind: 'pubsub';
  /** `projects/PROJECT/subscriptions/NAME`. */
  readonly subscription: string;
  /** Another address than Google's: `host:port`, or with `http://` for one without TLS. */
  readonly endpoint?: string;
  readonly keyFile?: string;
  readonly credentials?: Hidden;
}

/** A queue of an Azure storage account that Event Grid sends to. What is absent is the connector's own. */
export interface StorageQueueSettings {
  readonly kind: 'storage-queue';
  readonly queue: string;
  /** URL of the queue service, without a slash at its end. */
  readonly endpoint?: string;
  readonly connectionString?: Hidden;
  /** Goes with `account`. */
  readonly accountKey?: Hidden;
  readonly account?: string;
  readonly sas?: Hidden;
  /** As of `SqsSettings`. */
  readonly visibility?: number;
}

/** Graph's delta query. */
export interface DeltaSettings {
  readonly kind: 'delta';
  /** Seconds between two queries. */
  readonly interval: number;
}

/** A folder that is watched. */
export interface FilesSettings {
  readonly kind: 'files';
  /** Seconds that a file must not have changed for. */
  readonly settle: number;
  /** Seconds between two looks at the whole folder; absent: the system tells. */
  readonly poll?: number;
}

/** A source of events that a worker of the connector's site asks. */
export type PullSettings = SqsSettings | PubSubSettings | StorageQueueSettings | DeltaSettings | FilesSettings;
