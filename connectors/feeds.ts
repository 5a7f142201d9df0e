import { PULLS } from '../domain/watch.ts';
import type { Connector, Position } from './connector.ts';
import { ConnectorError } from './errors.ts';
import type { Feed } from './feed.ts';
import type { PullSettings } from './feed-settings.ts';
import type { ConnectorSettings } from './registry.ts';

/** What a feed is made from. */
export interface FeedOptions {
  /** Where the last one stopped; absent at the beginning, and for sources that remember by themselves. */
  readonly cursor?: Position;
  /** The connector with these settings: what watches with the means of the storage itself. */
  readonly connect: (settings: ConnectorSettings) => Promise<Connector>;
}

type Of<K extends ConnectorSettings['kind']> = Extract<ConnectorSettings, { readonly kind: K }>;
type Pull<K extends PullSettings['kind']> = Extract<PullSettings, { readonly kind: K }>;

/**
 * Opens the source of a connector. A kind is loaded when it is first asked for.
 * @throws ConnectorError `configuration` for a source that the connector's kind does not have, or settings that can't work
 */
export async function openFeed(binding: ConnectorSettings, pull: PullSettings, options: FeedOptions): Promise<Feed> {
  if ((PULLS as Readonly<Record<string, string>>)[binding.kind] === pull.kind) {
    switch (pull.kind) {
      case 'sqs':
        return (await import('./aws-s3/feed.ts')).createSqsFeed(binding as Of<'aws_s3'>, pull);
      case 'storage-queue':
        return (await import('./azure-blob/feed.ts')).createStorageQueueFeed(binding as Of<'azure_blob_storage'>, pull);
      case 'pubsub': {
        const { createPubSubFeed } = await import('./google-cloud-storage/feed.ts');
        return createPubSubFeed(binding as Of<'google_cloud_storage'>, pull as Pull<'pubsub'>);
      }
      case 'delta':
      case 'files': {
        const { kind: _, ...watch } = pull;
        const connector = await options.connect({ ...binding, watch } as ConnectorSettings);
        if (connector.feed !== undefined) return connector.feed(options.cursor);
      }
    }
  }
  const message = `connector ${binding.id}: a ${binding.kind} connector has no source ${pull.kind}; correct watch.pull`;
  throw new ConnectorError('configuration', message);
}
