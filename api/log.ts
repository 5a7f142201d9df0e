import { type Logger, pino } from 'pino';

/** What never reaches a log, wherever it stands in an object that is logged. */
const REDACTED = [
  'authorization',
  'headers.authorization',
  'headers.cookie',
  'req.headers.authorization',
  'err.config',
  '*.token',
  '*.apiKey',
  '*.password',
  '*.redisUrl',
];

export function createLog(level: string, name: string): Logger {
  return pino({ name, level, redact: { paths: REDACTED, censor: '[redacted]' }, base: { name, pid: process.pid } });
}
