import { addCounters } from '../../domain/outcome.ts';
import type { Account, CommitBody, ObjectRef } from '../../ledger/types.ts';
import type { ScanJobState } from './state.ts';

/** Page results after which a commit is due. */
const COMMIT_EVERY = 100;

/** The commits of a job: one at a time, each naming the one before. */
export class Commits {
  readonly #state: ScanJobState;
  #writing = false;

  constructor(state: ScanJobState) {
    this.#state = state;
  }

  /** One is being written. */
  get writing(): boolean {
    return this.#writing;
  }

  /** A commit that is due: after so many pages, and with anything at all where the job comes to rest. */
  take(resting: boolean): CommitBody | undefined {
    if (this.#writing || this.#state.header === undefined) return undefined;
    const { indexes, pages, actions } = this.#state.uncommitted;
    const something = indexes.length + pages.length + actions.length > 0;
    if (pages.length < COMMIT_EVERY && !(resting && something)) return undefined;
    this.#writing = true;
    return this.body();
  }

  /** What is not committed yet, as a commit; the last one has the account. */
  body(account?: Account): CommitBody {
    const { indexes, pages, actions } = this.#state.uncommitted;
    const previous = this.#state.commit?.hash ?? this.#state.header?.hash ?? '';
    return {
      format: 1,
      job: this.#state.request.job,
      number: (this.#state.commit?.number ?? 0) + 1,
      previous,
      indexes: [...indexes],
      pages: [...pages],
      actions: [...actions],
      counters: pages.reduce((sum, page) => addCounters(sum, page.counters), this.#state.committed),
      ...(account !== undefined && { account }),
    };
  }

  written(body: CommitBody, commit: ObjectRef): void {
    this.#writing = false;
    const { uncommitted } = this.#state;
    this.#state.uncommitted = {
      indexes: uncommitted.indexes.slice(body.indexes.length),
      pages: uncommitted.pages.slice(body.pages.length),
      actions: uncommitted.actions.slice(body.actions.length),
    };
    this.#state.committed = body.counters;
    this.#state.commit = { number: body.number, hash: commit.hash };
  }

  notWritten(): void {
    this.#writing = false;
  }
}
