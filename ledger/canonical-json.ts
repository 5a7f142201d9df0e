import { LedgerError } from './errors.ts';

/**
 * The one way to write a value: object keys in code-unit order, no white space, members that are undefined left out.
 * Equal values give equal bytes, so a hash of the bytes is a hash of the value.
 * @throws LedgerError `invalid` for what JSON can't hold (NaN, infinities, functions, big integers, cycles)
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

/** Deeper values than this are refused; nothing the ledger holds comes near it. */
const MAX_DEPTH = 100;

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw refused(`nested deeper than ${MAX_DEPTH} levels`);
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw refused(`the number ${value}`);
      return JSON.stringify(value);
    case 'object':
      break;
    default:
      throw refused(`a ${typeof value}`);
  }
  if (Array.isArray(value)) return `[${value.map((member) => write(member, depth + 1)).join(',')}]`;
  const members: string[] = [];
  const record = value as Record<string, unknown>;
  for (const key of Object.keys(record).sort()) {
    const member = record[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${write(member, depth + 1)}`);
  }
  return `{${members.join(',')}}`;
}

function refused(what: string): LedgerError {
  return new LedgerError('invalid', 'value', `A value for the ledger holds what JSON can't: ${what}.`);
}
