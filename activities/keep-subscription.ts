import { ConnectorError } from '../connectors/errors.ts';
import type { KeepSubscriptionInput, KeptSubscription } from './types.ts';

/**
 * Makes, renews or removes what a storage was told so that it notifies us.
 * @throws ConnectorError `configuration` for a storage that takes no subscriptions
 */
export async function keepSubscription({ connector }: KeepSubscriptionInput): Promise<KeptSubscription> {
  throw new ConnectorError('configuration', `the storage of ${connector} takes no subscriptions`);
}
