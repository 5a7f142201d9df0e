import { addCounters } from '../../domain/outcome.ts';
import type { Account, CommitBody, ObjectRef } from '../../ledger/types.ts';
import type { ScanJobState } from './state.ts';

/** Results of one kind after which a commit is due. */
const COMMIT_EVERY = 100;

/** The rules of a job's commits: when one is due, what it says, and what it leaves behind. One at a time. */
export class Commits {
  readonly #state: ScanJobState;
  #writing = false;
  #refused = false;
  #due = false;

  constructor(state: ScanJobState) {
    this.#state = state;
  }

  get writing(): boolean {
    return this.#writing;
  }

  /** Nothing is left to be committed before a new run, or it can't be: then the next run carries it. */
  get soFar(): boolean {
    return this.#refused || this.#waiting === 0;
  }

  get #waiting(): number {
    const { indexes, pages, actions } = this.#state.uncommitted;
    return indexes.length + pages.length + actions.length;
  }

  /** Something waits that no rule but time would commit soon. */
  get waits(): boolean {
    return this.#waiting > 0 && !this.#writing && !this.#refused;
  }

  /** The next look takes what waits, however little it is. */
  hasten(): void {
    this.#due = true;
  }

  /**
   * The commit that is due, if one is. What was refused is not tried again while that holds the job.
   * @param resting whether the job does nothing else now
   */
  take(resting: boolean): CommitBody | undefined {
    if (this.#writing || this.#state.header === undefined) return undefined;
    if (this.#refused && this.#state.hold !== undefined) return undefined;
    const { indexes, pages, actions } = this.#state.uncommitted;
    const full = Math.max(indexes.length, pages.length, actions.length) >= COMMIT_EVERY;
    if (!full && !((resting || this.#due) && this.#waiting > 0)) return undefined;
    this.#due = false;
    this.#writing = true;
    return this.body();
  }

  body(account?: Account): CommitBody {
    const { indexes, pages, actions } = this.#state.uncommitted;
    const { request, commit, header, committed } = this.#state;
    return {
      format: 1,
      job: request.job,
      number: (commit?.number ?? 0) + 1,
      previous: commit?.hash ?? header?.hash ?? '',
      indexes: [...indexes],
      pages: [...pages],
      actions: [...actions],
      counters: pages.reduce((sum, page) => addCounters(sum, page.counters), committed),
      ...(account !== undefined && { account }),
    };
  }

  written(body: CommitBody, commit: ObjectRef): void {
    this.#writing = false;
    this.#refused = false;
    const { uncommitted } = this.#state;
    this.#state.uncommitted = {
      indexes: uncommitted.indexes.slice(body.indexes.length),
      pages: uncommitted.pages.slice(body.pages.length),
      actions: uncommitted.actions.slice(body.actions.length),
    };
    this.#state.committed = body.counters;
    this.#state.commit = { number: body.number, hash: commit.hash };
  }

  refused(): void {
    this.#writing = false;
    this.#refused = true;
  }
}
