/** Every workflow that the orchestrator runs, by its type's name. */
export { checkConnector } from './check-connector.ts';
export { fullScan } from './full-scan.ts';
export { requestedScan } from './requested-scan.ts';
export { retryScan } from './retry-scan.ts';
