import type { FinalState } from '../domain/job.ts';
import type { Counters } from '../domain/outcome.ts';
import { LedgerError } from './errors.ts';
import type { Relations } from './retry-chain.ts';
import type { RetryCheck } from './verify-retry.ts';
import type { UnchangedCheck } from './verify-unchanged.ts';

/**
 * - `missing`: an object that a commit names is not there
 * - `corrupt`: an object's bytes are not those that its hash or its format say
 * - `chain`: a commit that hangs on nothing, or two ends
 * - `root`: no commit has the root that was given
 * - `page`, `row`, `action`: a page, an outcome row or an action row that breaks a rule
 * - `sum`: counters that are not the sums of what they stand for
 * - `account`: the account says something else than the rows
 * - `unchanged`: a row of an incremental scan that says more than the row which judged the bytes
 * - `retry`: a retry that does not list what its selection gives, or builds on a ledger that is not the one it names
 */
export type ProblemCode =
  | 'missing'
  | 'corrupt'
  | 'chain'
  | 'root'
  | 'page'
  | 'row'
  | 'action'
  | 'sum'
  | 'account'
  | 'retry'
  | 'unchanged';

export interface Problem {
  readonly code: ProblemCode;
  /** Name of the object within the job's folder. */
  readonly object: string;
  /** Line of the unfolded object, 1 being its header. */
  readonly line?: number;
  readonly message: string;
}

export interface VerifyReport {
  readonly job: string;
  /** Consistent, and authentic if a root was given. */
  readonly ok: boolean;
  /** Every hash, row and sum agrees with every other. Whoever rewrites a whole ledger can reach that too. */
  readonly consistent: boolean;
  /** Consistent, and its last commit has the hash that was given: it is the ledger that was printed with this root. */
  readonly authentic: boolean;
  /** The hash that was given. */
  readonly root?: string;
  /** The commit that everything was checked against; absent when the job has none. */
  readonly head?: { readonly number: number; readonly hash: string };
  /** Set once the job has ended. */
  readonly state?: FinalState;
  /** Of a retry: what it retries, and whether that was checked. */
  readonly retry?: RetryCheck;
  /** Of an incremental scan: what its unchanged rows were checked against. */
  readonly unchanged?: UnchangedCheck;
  /** How later retries changed what is left, where other jobs were given too. */
  readonly relations?: Relations;
  /** Commits behind the root that was given, which this says nothing about. */
  readonly later: number;
  /** What was checked. `bytes` are stored bytes of the objects that commits name. */
  readonly checked: {
    readonly commits: number;
    readonly pages: number;
    readonly items: number;
    readonly rows: number;
    readonly actions: number;
  };
  /** Sums over the rows of the pages that count. */
  readonly counters: Counters;
  /** The first of them; `problemCount` is exact. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  /** Objects that no commit names: left by a worker that woke up late, or not yet committed. They count for nothing. */
  readonly strays: { readonly count: number; readonly bytes: number; readonly samples: readonly string[] };
}

/** Problems kept in a report. */
const KEPT = 200;

/** Collects problems: all are counted, the first are kept. */
export class Problems {
  readonly kept: Problem[] = [];
  count = 0;

  add(code: ProblemCode, object: string, message: string, line?: number): void {
    this.count += 1;
    if (this.kept.length < KEPT) this.kept.push({ code, object, ...(line !== undefined && { line }), message });
  }

  /**
   * What `read` gives; undefined, and a problem, when an object is missing or damaged.
   * @throws LedgerError for everything that is no fault of the ledger (`not_readable`, `unavailable`)
   */
  async reading<Result>(name: string, read: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      if (error.code === 'not_found') this.add('missing', name, 'A commit names this object, and it is not there.');
      else if (error.code === 'corrupt' || error.code === 'invalid') this.add('corrupt', name, error.message);
      else throw error;
      return undefined;
    }
  }
}
