import { createMemoryStatus } from '../../status/memory-status.ts';
import { statusConformance } from './conformance.ts';

statusConformance('memory', async (options) => createMemoryStatus(options));
