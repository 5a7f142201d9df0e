import type { BucketAccess } from '../domain/ledger-place.ts';
import { LedgerError } from '../ledger/errors.ts';
import { type Ledger, openLedger } from '../ledger/ledger.ts';

/** The ledger, which may not be there yet when the API starts, or may go away. */
export interface LedgerDoor {
  /** For people: the folder or the URL of the bucket. */
  readonly place: string;
  /** Opens it on first use. What fails is tried again by the next use. @throws LedgerError */
  open(): Promise<Ledger>;
  /** Makes sure that the ledger that was opened is still the one that is there. @throws LedgerError */
  check(): Promise<void>;
  close(): Promise<void>;
}

export function createLedgerDoor(place: string, access?: BucketAccess): LedgerDoor {
  let opened: Promise<Ledger> | undefined;
  const open = (): Promise<Ledger> => {
    const attempt = opened ?? openLedger(place, { ...(access !== undefined && { access }) }).catch(unusable);
    opened = attempt;
    attempt.catch(() => {
      if (opened === attempt) opened = undefined;
    });
    return attempt;
  };
  return {
    place,
    open,
    async check() {
      await (await open()).check();
    },
    async close() {
      const ledger = await opened?.catch(() => undefined);
      await ledger?.close();
    },
  };
}

/** A place that can't hold a ledger is a fault of this server, never of a request. */
function unusable(error: unknown): never {
  if (!(error instanceof LedgerError) || error.code !== 'invalid') throw error;
  throw new LedgerError('not_there', error.object, error.message, { cause: error });
}
