import { Context } from '@temporalio/activity';
import type { Callback, Subscriber } from '../connectors/subscriber.ts';
import type { Source } from '../domain/job.ts';
import { asFailure } from './failures.ts';
import type { KeepSubscriptionInput, KeptSubscription } from './types.ts';

/** What subscriptions stand on. */
export interface SubscriptionDeps {
  /** @throws ConnectorError `configuration` for a connector whose storage does not call */
  subscriber(source: Source): Promise<Subscriber>;
  /**
   * Where the storage is to call for this connector. Its `clientState` is made from a configured secret and the connector's id: worker
   * and API each make it by themselves, so that it lies nowhere, and no input or result of a workflow has it.
   * @throws ConnectorError `configuration` for a connector without a webhook
   */
  callback(connector: string): Callback;
}

/**
 * Makes, keeps and ends the subscriptions of a connector. Every call may be repeated.
 * @throws ApplicationFailure with the code of a ConnectorError
 */
export function createKeepSubscription(
  deps: SubscriptionDeps,
): (input: KeepSubscriptionInput) => Promise<KeptSubscription> {
  return async ({ connector, source, action }) => {
    const { cancellationSignal: signal, info } = Context.current();
    try {
      const subscriber = await deps.subscriber(source);
      const callback = deps.callback(connector);
      if (action === 'remove') {
        await subscriber.remove(callback, signal);
        return {};
      }
      const subscription =
        action === 'keep' ? await subscriber.keep(callback, signal) : await subscriber.reauthorize(callback, signal);
      return { subscription };
    } catch (error) {
      throw asFailure(error, info.attempt);
    }
  };
}
