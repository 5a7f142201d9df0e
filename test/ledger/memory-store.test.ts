import { createMemoryStore } from './memory-store.ts';
import { storeConformance } from './store-conformance.ts';

storeConformance('memory', async () => ({ store: createMemoryStore(), close: () => Promise.resolve() }));
