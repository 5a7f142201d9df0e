import type { AllowEntry } from '../domain/allow.ts';
import type { AllowBook } from '../ledger/allow-book.ts';
import { isLedgerError } from '../ledger/errors.ts';

/** For so long an answer about one hash is taken from memory: what is allowed or revoked is heeded by every worker after this. Milliseconds. */
export const ALLOWED_FOR_MS = 5_000;
/** Answers that are kept. */
const KEPT = 10_000;

/** Looks up whether bytes are allowed by their hash; undefined: they are not. @throws LedgerError when the ledger can't be read */
export type AllowedBytes = (sha256: string) => Promise<AllowEntry | undefined>;

/** An entry that is damaged allows nothing. */
export function createAllowedBytes(book: Pick<AllowBook, 'newest'>, keepMs = ALLOWED_FOR_MS): AllowedBytes {
  const answers = new Map<string, { readonly at: number; readonly answer: Promise<AllowEntry | undefined> }>();

  async function look(sha256: string): Promise<AllowEntry | undefined> {
    try {
      const entry = await book.newest(sha256);
      return entry?.allowed === true ? entry : undefined;
    } catch (error) {
      if (isLedgerError(error, 'corrupt')) return undefined;
      throw error;
    }
  }

  return (sha256) => {
    const now = performance.now();
    const known = answers.get(sha256);
    if (known !== undefined && now - known.at < keepMs) return known.answer;
    const answer = look(sha256);
    answers.delete(sha256);
    answers.set(sha256, { at: now, answer });
    // What could not be read is asked again.
    answer.catch(() => {
      if (answers.get(sha256)?.answer === answer) answers.delete(sha256);
    });
    for (const oldest of answers.keys()) {
      if (answers.size <= KEPT) break;
      answers.delete(oldest);
    }
    return answer;
  };
}
