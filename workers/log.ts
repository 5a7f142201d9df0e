import { DefaultLogger, type Logger } from '@temporalio/worker';
import pino from 'pino';

export type Log = pino.Logger;

/** Secrets never reach a log: these fields are blotted out wherever they appear. */
const REDACT = ['*.token', '*.password', '*.secret', '*.authorization', '*.headers', '*.env'];

export function createLog(level: string): Log {
  return pino({ level, redact: REDACT, base: { process: 'worker', pid: process.pid } });
}

const LEVEL = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Temporal's own log lines, in ours. Its chatter below warnings stays out. */
export function temporalLogger(log: Log): Logger {
  return new DefaultLogger('WARN', ({ level, message, meta }) => log[LEVEL[level]](meta ?? {}, message));
}
