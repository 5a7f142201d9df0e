import { connectorConformance } from './conformance.ts';
import { makeTempStore } from './temp-store.ts';

connectorConformance({ name: 'filesystem', make: () => makeTempStore('outside'), anyBytes: true });
