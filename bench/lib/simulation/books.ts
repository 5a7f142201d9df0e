import { createHash } from 'node:crypto';
import { addCounters, type Counters, noCounters } from '../../../domain/outcome.ts';
import type { CommitBody, ObjectRef } from '../../../ledger/types.ts';

/** The commits of a simulated job, held to what a ledger's commits must be: one chain, each page once, sums that add up. */
export class Books {
  readonly #pages = new Set<string>();
  #previous: ObjectRef;
  #last: { readonly text: string; readonly commit: ObjectRef } | undefined;
  counters: Counters = noCounters();
  actions = 0;
  indexes = 0;
  commits = 0;
  account: CommitBody['account'];

  constructor(header: ObjectRef) {
    this.#previous = header;
  }

  get pages(): number {
    return this.#pages.size;
  }

  has(page: string): boolean {
    return this.#pages.has(page);
  }

  /** @throws when the commit does not go on where the last one ended, or repeats a page */
  write(body: CommitBody): ObjectRef {
    const text = JSON.stringify(body);
    if (this.#last?.text === text) return this.#last.commit;
    this.#check(body.number === this.commits + 1, `commit ${body.number} after ${this.commits}`);
    this.#check(body.previous === this.#previous.hash, `commit ${body.number} hangs on another one`);
    for (const { page, counters } of body.pages) {
      this.#check(!this.#pages.has(page), `page ${page} is committed twice`);
      this.#pages.add(page);
      this.counters = addCounters(this.counters, counters);
    }
    this.#check(JSON.stringify(body.counters) === JSON.stringify(this.counters), `the sums of commit ${body.number}`);
    this.actions += body.actions.length;
    this.indexes += body.indexes.length;
    this.commits += 1;
    this.account = body.account;
    const hash = createHash('sha256').update(text).digest('hex');
    this.#previous = { name: `commits/c${body.number}`, hash };
    this.#last = { text, commit: this.#previous };
    return this.#previous;
  }

  #check(holds: boolean, what: string): void {
    if (!holds) throw new Error(`the books are wrong: ${what}`);
  }
}
