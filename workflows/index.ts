/** Every workflow that the orchestrator runs, by its type's name. */
export { checkConnector } from './check-connector.ts';
export { checkFairness } from './check-fairness.ts';
export { fullScan } from './full-scan.ts';
export { requestedScan } from './requested-scan.ts';
