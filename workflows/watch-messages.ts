/**
 * Messages of the watch of a connector. Signals: `order` (a new configuration), `stop` (removes its subscriptions, and ends), `wake`
 * (its storage says that something changed), `swept` (a sweep has ended). Updates: `pause`, `resume`, `sweep` (one at once). `health` is a query.
 */
export const WATCH = {
  order: 'order',
  stop: 'stop',
  wake: 'wake',
  swept: 'swept',
  pause: 'pause',
  resume: 'resume',
  sweep: 'sweep',
  health: 'health',
} as const;

/**
 * Why a watch is woken: `changed`, `missed` (notifications were lost), or what became of its subscription: it wants to be authorised
 * again, or is gone.
 */
export type WakeReason = 'changed' | 'missed' | 'reauthorize' | 'subscription_removed';

export function watchWorkflowId(connector: string): string {
  return `${WATCH_PREFIX}${connector}`;
}
export const WATCH_PREFIX = 'connector-watch:';

export function sweepWorkflowId(connector: string): string {
  return `reconcile:${connector}`;
}
