import { randomBytes } from 'node:crypto';

/**
 * A new job id: `job-`, the second it was made (UTC), then milliseconds and random bits in hex. Ids sort by time, and never hold
 * anything of what is scanned.
 */
export function newJobId(now: Date = new Date()): string {
  const second = now.toISOString().replace(/[-:]/g, '').slice(0, 15);
  const millis = now.getUTCMilliseconds().toString(16).padStart(3, '0');
  return `job-${second}-${millis}${randomBytes(3).toString('hex')}`;
}
