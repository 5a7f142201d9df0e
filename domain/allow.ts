/** A decision about bytes, by their SHA-256: from now on they are allowed whatever the scanner says, or no longer. Written once; the newest one counts. */
export interface AllowEntry {
  readonly format: 1;
  /** Lower-case hex. */
  readonly sha256: string;
  /** False: what was allowed before is revoked. */
  readonly allowed: boolean;
  readonly by: string;
  /** ISO 8601 in UTC. Rises from entry to entry of one hash. */
  readonly at: string;
  readonly reason: string;
}

/** Most characters of a reason. */
export const MAX_REASON = 500;

/** Whether this is a SHA-256 as it is written everywhere here. */
export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
