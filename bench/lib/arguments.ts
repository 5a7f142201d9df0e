/** What a benchmark was given that it does not understand. */
export class UsageError extends Error {}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1_000, m: 1_000_000 };

/** Counts such as `10k,100k,1m` or `2500`, in the order given. @throws UsageError */
export function parseCounts(option: string, text: string): number[] {
  return text.split(',').map((word) => {
    const [, digits, unit] = /^(\d{1,9})([km]?)$/.exec(word.trim().toLowerCase()) ?? [];
    const count = Number(digits) * (UNITS[unit ?? ''] ?? Number.NaN);
    if (Number.isSafeInteger(count) && count >= 1) return count;
    throw new UsageError(`${option}: ${JSON.stringify(word)} is no count; give some like 10k,100k,1m`);
  });
}

/** A count as it is asked for and shown: `10 k`, `2.5 M`, `123`. */
export function shownCount(count: number): string {
  if (count >= 1_000_000 && count % 100_000 === 0) return `${count / 1_000_000} M`;
  return count >= 1_000 && count % 100 === 0 ? `${count / 1_000} k` : String(count);
}
