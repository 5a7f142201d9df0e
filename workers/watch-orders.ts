import type { WorkerConfig } from '../config/worker.ts';
import { RESCAN_AFTER } from '../domain/incremental.ts';
import type { WatchOrder } from '../domain/watch.ts';
import { createTargets } from '../intake/open-intake.ts';

/**
 * What each watched connector of the configuration is to be watched by. Holds no secret.
 * @param revisionOf of connectors that were made through the API
 */
export function watchOrders(
  config: Pick<WorkerConfig, 'connectors' | 'scanners' | 'home' | 'appEnv'>,
  revisionOf: (connector: string) => number | undefined = () => undefined,
): WatchOrder[] {
  const targets = createTargets(config);
  return config.connectors.flatMap((connector) => {
    const { id, site, watch } = connector;
    if (watch === undefined) return [];
    const { webhook, pull, reconcile } = watch;
    // Sweeps judge as live events are judged.
    const { settings } = targets(id);
    const revision = revisionOf(id);
    const judged = config.scanners[settings.scanner] !== undefined;
    return [
      {
        connector: id,
        ...(revision !== undefined && { revision }),
        ...(site !== undefined && { site }),
        webhook: webhook !== undefined,
        ...(pull !== undefined && { pull: pull.kind }),
        subscribes: pull?.kind === 'delta' && webhook !== undefined,
        ...(reconcile !== undefined && { reconcile }),
        ...(reconcile !== undefined &&
          judged && { scan: { ...settings, incremental: true as const, rescanAfter: RESCAN_AFTER } }),
      },
    ];
  });
}
