import { InvalidArgumentError } from 'commander';

/** A `--limit`: a number, or "all". */
export function listLimit(text: string): number {
  if (text === 'all') return Number.MAX_SAFE_INTEGER;
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 1) throw new InvalidArgumentError('A whole number above 0, or "all".');
  return n;
}
