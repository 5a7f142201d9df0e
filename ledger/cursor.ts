import { LedgerError } from './errors.ts';

/**
 * Where a reader goes on: opaque to him, bound to one job and one kind of row. It names a place in an order that never changes,
 * so it stays good for as long as the ledger does.
 */
export type Place = readonly number[];

export function encodeCursor(kind: string, job: string, place: Place): string {
  return Buffer.from(JSON.stringify([1, kind, job, ...place])).toString('base64url');
}

/** @throws LedgerError `invalid` when it is none of ours, of another job, or of another kind of row */
export function decodeCursor(kind: string, job: string, length: number, cursor: string): Place {
  const refused = (why: string): LedgerError =>
    new LedgerError(
      'invalid',
      job,
      `This "after" ${why}. Give what the page before returned as "next", or leave it out.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw refused('was not made here');
  }
  if (!Array.isArray(value) || value.length !== length + 3 || value[0] !== 1) throw refused('was not made here');
  const [, ofKind, ofJob, ...place] = value as unknown[];
  if (ofKind !== kind) throw refused('belongs to another list');
  if (ofJob !== job) throw refused('belongs to another job');
  const numbers = place.filter((n): n is number => Number.isSafeInteger(n) && (n as number) >= 0);
  if (numbers.length !== length || encodeCursor(kind, job, numbers) !== cursor) throw refused('was not made here');
  return numbers;
}

/** @throws LedgerError `invalid` */
export function checkLimit(limit: number, most: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= most) return;
  throw new LedgerError('invalid', 'limit', `The limit must be a whole number from 1 to ${most}, not ${limit}.`);
}
