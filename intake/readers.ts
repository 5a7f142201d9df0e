import type { PubSubMessage } from '../connectors/google-cloud-storage/events.ts';
import type { SourceEvents } from '../connectors/source-events.ts';
import type { Fields } from '../domain/loose-json.ts';

/** How a connector's kind reads what its vendor sends: only what lies in its asset, located as its listing does. */
export type Readers =
  | { readonly kind: 's3'; readonly body: (text: string, at: string) => SourceEvents; readonly spot: Spot }
  | { readonly kind: 'azure'; readonly body: (text: string, at: string) => SourceEvents; readonly spot: Spot }
  | {
      readonly kind: 'gcs';
      readonly message: (message: PubSubMessage, at: string) => SourceEvents;
      readonly object: (object: Fields, at: string) => SourceEvents;
      readonly spot: Spot;
    }
  /** Items that have no bucket: paths. */
  | { readonly kind: 'plain' };

/** The location of a whole key; undefined outside of the asset. */
export type Spot = (bucket: string, key: string) => string | undefined;
