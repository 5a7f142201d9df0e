import type { Hidden } from './hidden.ts';

/** Who may call in the name of a storage. */
export const WEBHOOK_SOURCES = ['s3', 'event-grid', 'pubsub', 'graph', 'signed'] as const;
export type WebhookSource = (typeof WEBHOOK_SOURCES)[number];

/** A secret that the caller shows or signs with. While it is changed both are good. */
export interface SharedSecret {
  readonly secret: Hidden;
  readonly previousSecret?: Hidden;
}

/** Where the caller shows the secret: in a header, or in a parameter of the query. */
export type SecretPlace = { readonly header: string } | { readonly query: string };

/** An authority that issues tokens (OpenID Connect). Both are only set for sovereign clouds and tests. */
export interface TokenIssuer {
  readonly issuer?: string;
  /** Where its keys are. */
  readonly jwksUrl?: string;
}

/** Messages of an SNS topic, signed by SNS. */
export interface SnsWebhook {
  readonly source: 's3';
  readonly verify: 'sns';
  /** ARN. No other topic is heard or confirmed. */
  readonly topic: string;
}

/** EventBridge's API destination, or a Lambda function of the bucket's owner. */
export type S3SecretWebhook = {
  readonly source: 's3';
  readonly verify: 'secret';
  readonly at: SecretPlace;
} & SharedSecret;

/** Events of one storage account: `topic` is its resource id, in any case; absent: of any that the caller's proof is good for. */
export type EventGridWebhook = { readonly source: 'event-grid'; readonly topic?: string } & (
  | ({ readonly verify: 'secret'; readonly at: SecretPlace } & SharedSecret)
  | ({
      readonly verify: 'entra';
      readonly tenantId: string;
      readonly audience: string;
      readonly clientId: string;
    } & TokenIssuer)
);

/** Pub/Sub push, or Eventarc: a token of Google for this service account. */
export interface PubsubWebhook extends TokenIssuer {
  readonly source: 'pubsub';
  readonly audience: string;
  readonly serviceAccount: string;
  /** `projects/…/subscriptions/…`; absent: any that pushes as this service account. */
  readonly subscription?: string;
}

/** Notifications of Graph. `clientState` of our subscriptions is made from the secret: `intake/client-state.ts`. */
export interface GraphWebhook extends SharedSecret, TokenIssuer {
  readonly source: 'graph';
  /** Where Graph calls, from the outside; https. */
  readonly url: string;
}

/** Anybody who signs as Standard Webhooks say. */
export interface SignedWebhook extends SharedSecret {
  readonly source: 'signed';
}

/** One way in to a connector, with what proves who calls. */
export type Webhook = SnsWebhook | S3SecretWebhook | EventGridWebhook | PubsubWebhook | GraphWebhook | SignedWebhook;

/** App id of Event Grid in Azure's global cloud. */
export const EVENT_GRID_APP = '4962773b-9cdb-44cf-a8bf-237846a00ab7';
/** App id of the service that sends Graph's notifications. */
export const GRAPH_NOTIFIER_APP = '0bf30f3b-4a52-48df-9a82-234910c4a086';
