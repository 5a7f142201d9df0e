import { compareLocations } from '../../domain/byte-order.ts';
import type { ItemRef } from '../../domain/item.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { isLedgerError } from '../errors.ts';
import { type KnownRow, knownRow, newerOf, type Reading } from './known-row.ts';
import { type OpenedJob, rowsIn } from './open-baseline.ts';

/** Where a stream goes on: page among those that it reads, and row within it. */
export type RowPlace = readonly [page: number, row: number];

/**
 * The rows of an ordered listing, gone through once beside another one: memory is one segment. Where the order is broken, rows are
 * passed by and their items scanned; never is one taken for another's.
 */
export class OrderedRows {
  readonly #job: OpenedJob;
  readonly #reading: Reading;
  #page: number;
  #row: number;
  #rows: readonly OutcomeRow[] | undefined;
  #damage: string | undefined;

  constructor(job: OpenedJob, reading: Reading, from: RowPlace = [0, 0]) {
    this.#job = job;
    this.#reading = reading;
    [this.#page, this.#row] = from;
  }

  get place(): RowPlace {
    return [this.#page, this.#row];
  }

  /** Why some rows could not be read. */
  get damage(): string | undefined {
    return this.#damage;
  }

  /** The newest row of this location. Ask for locations in order. @throws LedgerError `not_readable`, `unavailable`, … */
  async at(ref: ItemRef): Promise<KnownRow | undefined> {
    let found: KnownRow | undefined;
    for (;;) {
      const row = this.#rows?.[this.#row];
      if (row === undefined) {
        if (!(await this.#nextPage())) return found;
        continue;
      }
      const order = compareLocations(row, ref);
      if (order > 0) return found;
      if (order === 0) found = newerOf(found, await knownRow(row, this.#reading));
      this.#row += 1;
    }
  }

  /** @returns false at the end */
  async #nextPage(): Promise<boolean> {
    if (this.#rows !== undefined) {
      this.#page += 1;
      this.#row = 0;
      this.#rows = undefined;
    }
    const page = this.#job.streamed[this.#page];
    if (page === undefined) return false;
    try {
      this.#rows = await rowsIn(this.#job.ledger, page);
    } catch (error) {
      if (!isLedgerError(error, 'corrupt') && !isLedgerError(error, 'not_found')) throw error;
      this.#damage = error.message;
      this.#rows = [];
    }
    return true;
  }
}
