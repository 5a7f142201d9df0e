import { join } from 'node:path';
import { ACTIONS_WINDOW, type ScanSettings } from '../domain/job.ts';
import type { OnAccessTarget } from './gatherer.ts';

/** What of a connector's configuration says how its events are scanned. */
export interface WatchedConnector {
  readonly id: string;
  readonly kind: string;
  readonly filter: string;
  readonly action: ScanSettings['action'];
  readonly quarantine?: string;
  readonly maxSize?: number;
  readonly site?: string;
  readonly maxActions?: number;
  readonly maxActionsWindow?: number;
  /** `scanner`: the name of the one that judges. `shards`: as `OnAccessTarget.shards`. */
  readonly watch?: { readonly scanner?: string; readonly shards?: number };
}

/**
 * How the events of a connector are scanned, by its configuration alone: as a full scan that names nothing else.
 * @param home folder of the state, where files that have no quarantine of their own are moved to
 */
export function targetOf(connector: WatchedConnector, scanner: string, home: string, shards = 1): OnAccessTarget {
  const { id, kind, filter, action, maxSize, site, maxActions, maxActionsWindow = ACTIONS_WINDOW } = connector;
  const own = kind === 'filesystem' && site === undefined ? join(home, 'quarantine', id) : undefined;
  const quarantine = connector.quarantine ?? own;
  return {
    source: { kind: 'connector', id },
    settings: {
      filter,
      action,
      ...(quarantine !== undefined && { quarantine }),
      dryRun: false,
      ...(maxSize !== undefined && { maxSize }),
      scanner,
      ...(maxActions !== undefined && { maxActions, maxActionsWindow }),
    },
    ...(site !== undefined && { site }),
    shards,
  };
}
