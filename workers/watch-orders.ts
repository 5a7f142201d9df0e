import type { WorkerConfig } from '../config/worker.ts';
import type { ScanSettings } from '../domain/job.ts';
import type { WatchOrder } from '../domain/watch.ts';

type Connector = WorkerConfig['connectors'][number];
/** The scanner that judges where none is named. */
const SCANNER = 'dsxa';

/** What each watched connector of the configuration is to be watched by. Holds no secret. */
export function watchOrders(config: Pick<WorkerConfig, 'connectors' | 'scanners'>): WatchOrder[] {
  const judged = Object.values(config.scanners).some(({ name }) => name === SCANNER);
  return config.connectors.flatMap((connector) => {
    const { id, site, watch } = connector;
    if (watch === undefined) return [];
    const { webhook, pull, reconcile } = watch;
    return [
      {
        connector: id,
        ...(site !== undefined && { site }),
        webhook: webhook !== undefined,
        ...(pull !== undefined && { pull: pull.kind }),
        subscribes: pull?.kind === 'delta' && webhook !== undefined,
        ...(reconcile !== undefined && { reconcile }),
        ...(reconcile !== undefined && judged && { scan: sweepSettings(connector) }),
      },
    ];
  });
}

/** What a full scan of it would be started with. */
function sweepSettings(connector: Connector): ScanSettings {
  const { filter, action, quarantine, maxSize, maxActions, maxActionsWindow } = connector;
  return {
    filter,
    action,
    ...(quarantine !== undefined && { quarantine }),
    dryRun: false,
    ...(maxSize !== undefined && { maxSize }),
    scanner: SCANNER,
    ...(maxActions !== undefined && { maxActions }),
    ...(maxActionsWindow !== undefined && { maxActionsWindow }),
  };
}
