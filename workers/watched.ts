import type { SubscriptionDeps } from '../activities/keep-subscription.ts';
import type { WorkerConfig } from '../config/worker.ts';
import type { Connector, Position } from '../connectors/connector.ts';
import { ConnectorError } from '../connectors/errors.ts';
import type { Feed } from '../connectors/feed.ts';
import { openFeed } from '../connectors/feeds.ts';
import type { ConnectorSettings } from '../connectors/registry.ts';
import type { Source } from '../domain/job.ts';
import { graphCallback } from '../intake/client-state.ts';

/** How watched connectors are reached. */
export interface Watched {
  /** @throws ConnectorError `configuration` for a source that is not configured here */
  binding(source: Source): ConnectorSettings;
  connect(settings: ConnectorSettings): Promise<Connector>;
}

/** The source of events of a connector, as its configuration names it. @throws ConnectorError */
export async function openWatchFeed(
  source: Source,
  cursor: Position | undefined,
  config: Pick<WorkerConfig, 'connectors'>,
  { binding, connect }: Watched,
): Promise<Feed> {
  const pull = config.connectors.find(({ id }) => id === source.id)?.watch?.pull;
  if (pull === undefined) throw new ConnectorError('configuration', `${source.id} has no watch.pull here`);
  return await openFeed(binding(source), pull, { connect, ...(cursor !== undefined && { cursor }) });
}

/** What has storages call us. `meet` looks up what was changed a moment ago. */
export function subscriptionsOf(
  config: Pick<WorkerConfig, 'connectors'>,
  { binding, connect }: Watched,
  meet: (source: Source) => Promise<void> = async () => undefined,
): SubscriptionDeps {
  return {
    async subscriber(source) {
      await meet(source);
      const connector = await connect(binding(source));
      if (connector.subscriber !== undefined) return connector.subscriber();
      throw new ConnectorError('configuration', `a ${connector.kind} connector takes no subscriptions`);
    },
    callback(connector) {
      const webhooks = config.connectors.find(({ id }) => id === connector)?.watch?.webhook ?? [];
      const callback = graphCallback(connector, webhooks);
      if (callback !== undefined) return callback;
      throw new ConnectorError('configuration', `${connector} has no webhook graph here: give it one in watch.webhook`);
    },
  };
}
