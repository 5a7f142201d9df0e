import { ITEM_ACTIONS, type ItemAction } from '../domain/action.ts';
import type { RemoteEntry } from '../domain/remote.ts';
import type { OnAccessTarget } from './gatherer.ts';

/**
 * How what a remote connector pushes is scanned: it filters by itself, and says what is to be done to what is malicious. Where items are moved
 * to is its own affair.
 */
export function remoteTarget({ uuid, model }: Pick<RemoteEntry, 'uuid' | 'model'>, scanner: string): OnAccessTarget {
  return {
    source: { kind: 'connector', id: uuid },
    settings: { filter: '', action: remoteAction(model.item_action), dryRun: false, scanner },
    shards: 1,
  };
}

/** What a remote connector is set to do; `nothing` for what is no item action. */
export function remoteAction(text: string): ItemAction {
  const wanted = text.trim().toLowerCase().replace(/[_-]/g, '');
  return ITEM_ACTIONS.find((known) => known === wanted) ?? 'nothing';
}
