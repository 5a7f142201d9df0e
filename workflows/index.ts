/** Every workflow that the orchestrator runs, by its type's name. */
export { actionGate } from './action-gate/action-gate.ts';
export { applyActions } from './apply-actions.ts';
export { checkConnector } from './check-connector.ts';
export { checkFairness } from './check-fairness.ts';
export { connectorAssets } from './connector-assets.ts';
export { connectorWatch } from './connector-watch/connector-watch.ts';
export { reconcileSweep } from './connector-watch/reconcile-sweep.ts';
export { estimateConnector } from './estimate-connector.ts';
export { fullScan } from './full-scan.ts';
export { itemLock } from './item-lock.ts';
export { onAccess } from './on-access.ts';
export { previewConnector } from './preview-connector.ts';
export { remoteScan } from './remote-scan.ts';
export { requestedScan } from './requested-scan.ts';
export { resultsOut } from './results-out.ts';
export { retryScan } from './retry-scan.ts';
export { scheduledScan } from './scheduled-scan/scheduled-scan.ts';
