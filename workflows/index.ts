/** Every workflow that the orchestrator runs, by its type's name. */
export { actionGate } from './action-gate/action-gate.ts';
export { applyActions } from './apply-actions.ts';
export { checkConnector } from './check-connector.ts';
export { checkFairness } from './check-fairness.ts';
export { fullScan } from './full-scan.ts';
export { itemHold } from './item-hold.ts';
export { requestedScan } from './requested-scan.ts';
export { retryScan } from './retry-scan.ts';
