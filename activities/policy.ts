import { createHash, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Hidden } from '../domain/hidden.ts';
import type { Source } from '../domain/job.ts';
import type { WorkerDeps } from './deps.ts';

const slowHash = promisify<string, string, number, { N: number; maxmem: number }, Buffer>(scrypt);
/** Some 100 ms a guess: rows are read by more people than may know the password. */
const COST = { N: 2 ** 15, maxmem: 2 ** 26 };

const passwords = new WeakMap<Hidden, Map<string, Promise<string>>>();

/**
 * One hash of everything in our settings that bears on verdicts: the scanner's address and entity, and the password for encrypted
 * archives. The allow list is no part of it: it only ever excuses findings, and those are always scanned again; nor are filter and
 * size limits, by which a listing decides anew.
 * @throws ScannerError `scanner_config` when this worker has no such scanner
 */
export async function policyOf(
  deps: Pick<WorkerDeps, 'ledger' | 'scanner' | 'scanPassword'>,
  source: Source,
  scanner: string,
): Promise<string> {
  const { identity } = deps.scanner(scanner);
  const password = deps.scanPassword(source);
  const secret = password === undefined ? null : await hashed(password, `${deps.ledger.id}/${source.id}`);
  return createHash('sha256')
    .update(JSON.stringify([identity, secret]))
    .digest('hex')
    .slice(0, 32);
}

function hashed(password: Hidden, salt: string): Promise<string> {
  const known = passwords.get(password) ?? new Map<string, Promise<string>>();
  passwords.set(password, known);
  const found = known.get(salt) ?? slowHash(password.reveal(), salt, 16, COST).then((key) => key.toString('hex'));
  known.set(salt, found);
  return found;
}
