import { hostname } from 'node:os';

/** Names this process among all workers, in results that tell of one worker's trouble. */
export const WORKER_NAME = `${hostname()}-${process.pid}`;
