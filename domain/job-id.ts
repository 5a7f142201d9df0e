/** As ids of jobs are made: `job-`, the second (UTC), milliseconds and random bits in hex. */
export function jobIdOf(now: Date, random: string): string {
  const second = now.toISOString().replace(/[-:]/g, '').slice(0, 15);
  const millis = now.getUTCMilliseconds().toString(16).padStart(3, '0');
  return `job-${second}-${millis}${random.replace(/-/g, '').slice(0, 6)}`;
}
