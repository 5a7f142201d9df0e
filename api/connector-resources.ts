import type { ConnectorSettings } from '../config/connectors/settings.ts';
import type { ConnectorEntry } from '../domain/connector-entry.ts';
import type { MadeConnector } from '../ledger/made-connectors.ts';
import type { ConnectorResource } from './contract.ts';

/** What is told of a connector: never what its workers open it with. */
export function resourceOf(connector: ConnectorSettings): ConnectorResource {
  const { id, kind, asset, filter, action, quarantine, maxSize, site, maxActions, maxActionsWindow } = connector;
  return {
    id,
    kind,
    asset,
    filter,
    action,
    dryRun: false,
    ...(quarantine !== undefined && { quarantine }),
    ...(maxSize !== undefined && { maxSize }),
    ...(site !== undefined && { site }),
    ...(maxActions !== undefined && { maxActions }),
    ...(maxActionsWindow !== undefined && { maxActionsWindow }),
    ...(connector.watch !== undefined && { watched: true as const }),
  };
}

/** These, and behind them those that were made through the API at each moment; the same array until something changes. */
export function resourcesOf(
  own: readonly ConnectorResource[],
  made: { readonly all: readonly MadeConnector<ConnectorSettings>[] },
): () => readonly ConnectorResource[] {
  let from: typeof made.all | undefined;
  let all = own;
  return () => {
    if (from === made.all) return all;
    from = made.all;
    all = [...own, ...from.map(({ entry, settings }) => ({ ...resourceOf(settings), ...kept(entry) }))];
    return all;
  };
}

function kept({ revision, createdAt, createdBy, at, by }: ConnectorEntry) {
  const updated = revision > 1 && { updatedAt: at, updatedBy: by };
  return { managed: 'api' as const, revision, createdAt, createdBy, ...updated };
}
