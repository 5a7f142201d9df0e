import { type Outcome, type OutcomeRow, rowsOf } from '../domain/outcome.ts';
import { RETRIABLE } from '../domain/retry.ts';
import type { JobLedger } from './job-ledger.ts';
import type { ClosedPage } from './job-view.ts';
import { corrupt, type Lines } from './ndjson.ts';
import type { ProvenMember } from './retry-chain.ts';

/** Where a stream of rows goes on: page (index among those it reads) and row within it. */
type Place = readonly [page: number, row: number];

/** Where `NewestRows` goes on. JSON; its size grows with the retries of the chain, not with rows. */
export interface NewestPlace {
  /** The ledger whose own items come next: 0 is the first job. */
  readonly base: number;
  readonly at: Place;
  /** One for each retry: its rows that replace others. */
  readonly layers: readonly Place[];
}

/** An item of the whole by its newest row. */
export interface NewestRow {
  /** The row, as `job/page:ordinal`. */
  readonly at: string;
  readonly row: OutcomeRow;
  /** Indexes of the chain's jobs that have a row for this item, in order. */
  readonly members: readonly number[];
}

/**
 * The items of a chain that may be retried or were, each by its newest row, in one order that never changes: the first job's by lane,
 * page and ordinal, then what the retries listed anew, retry by retry. A retry lists what it retries in exactly this order, so its
 * rows are laid over those before it by going through both once: memory is one segment a ledger, whatever the number of items.
 */
export class NewestRows {
  readonly #bases: readonly RowStream[];
  readonly #layers: readonly RowStream[];
  #base: number;

  /**
   * @param chain as it was proven
   * @param outcomes what is looked for: other rows are left out, unless a retry may have replaced them
   */
  constructor(chain: readonly ProvenMember[], outcomes: readonly Outcome[], from?: NewestPlace) {
    this.#bases = chain.map(({ ledger, view }, at) => {
      const wanted = new Set(outcomes);
      for (const later of chain.slice(at + 1)) for (const outcome of later.retried) wanted.add(outcome);
      const pages = at === 0 ? view.closed : view.closed.filter((page) => page.lane > 0);
      return new RowStream(ledger, pages, wanted, from?.base === at ? from.at : undefined);
    });
    this.#layers = chain.slice(1).map(({ ledger, view }, at) => {
      const pages = view.closed.filter((page) => page.lane === 0);
      return new RowStream(ledger, pages, undefined, from?.layers[at]);
    });
    this.#base = from?.base ?? 0;
  }

  /**
   * The next item, or undefined at the end.
   * @throws LedgerError `corrupt` when the ledgers do not fit one another, or as reading does
   */
  async next(): Promise<NewestRow | undefined> {
    for (;;) {
      const base = this.#bases[this.#base];
      if (base === undefined) return this.#end();
      const row = await base.peek();
      if (row !== undefined) {
        base.advance();
        return await this.#newest(base.job, row);
      }
      this.#base += 1;
    }
  }

  place(): NewestPlace {
    return {
      base: this.#base,
      at: this.#bases[this.#base]?.place ?? [0, 0],
      layers: this.#layers.map((layer) => layer.place),
    };
  }

  async #newest(job: string, first: OutcomeRow): Promise<NewestRow> {
    let row = first;
    let at = `${job}/${row.item}`;
    const members = [this.#base];
    for (const [number, layer] of this.#layers.entries()) {
      const head = await layer.peek();
      if (head?.retryOf !== at) continue;
      layer.advance();
      row = head;
      at = `${layer.job}/${row.item}`;
      members.push(number + 1);
    }
    return { at, row, members };
  }

  async #end(): Promise<undefined> {
    for (const layer of this.#layers) {
      const left = await layer.peek();
      if (left === undefined) continue;
      const why = `its row ${left.item} retries ${JSON.stringify(left.retryOf)}, which is no row, or not the newest one in order`;
      throw corrupt(`${layer.job}/segments/`, why);
    }
    return undefined;
  }
}

/** The rows of some closed pages of a job, in order: all, or those of some outcomes. */
class RowStream {
  readonly job: string;
  readonly #ledger: JobLedger;
  readonly #pages: readonly ClosedPage[];
  readonly #outcomes: readonly Outcome[] | undefined;
  #page: number;
  #row: number;
  /** The rows of the page that is open. */
  #rows: readonly OutcomeRow[] | undefined;

  constructor(
    ledger: JobLedger,
    pages: readonly ClosedPage[],
    outcomes: ReadonlySet<Outcome> | undefined,
    from: Place | undefined,
  ) {
    this.job = ledger.id;
    this.#ledger = ledger;
    this.#outcomes = outcomes === undefined ? undefined : RETRIABLE.filter((outcome) => outcomes.has(outcome));
    this.#pages = pages.filter((page) => this.#countIn(page) > 0);
    [this.#page, this.#row] = from ?? [0, 0];
  }

  get place(): Place {
    return [this.#page, this.#row];
  }

  async peek(): Promise<OutcomeRow | undefined> {
    for (;;) {
      const page = this.#pages[this.#page];
      if (page === undefined) return undefined;
      this.#rows ??= await this.#read(page);
      const row = this.#rows[this.#row];
      if (row !== undefined) return row;
      this.#page += 1;
      this.#row = 0;
      this.#rows = undefined;
    }
  }

  advance(): void {
    this.#row += 1;
  }

  #countIn(page: ClosedPage): number {
    if (this.#outcomes === undefined) return rowsOf(page.counters);
    return this.#outcomes.reduce((sum, outcome) => sum + page.counters.outcomes[outcome], 0);
  }

  async #read(page: ClosedPage): Promise<OutcomeRow[]> {
    const { lines } = await this.#ledger.objects.lines(page.segment, 'segments', page.page);
    const rows = [...this.#candidates(lines)]
      .map((line) => lines.parse(line) as OutcomeRow)
      .filter((row) => this.#outcomes === undefined || (this.#outcomes as readonly string[]).includes(row.outcome));
    if (rows.length !== this.#countIn(page)) {
      throw corrupt(
        page.segment.name,
        `it has ${rows.length} rows where its page was closed with ${this.#countIn(page)}`,
      );
    }
    return rows;
  }

  /** Lines that can fit, found by their text before anything is parsed. */
  #candidates(lines: Lines): Iterable<number> {
    if (this.#outcomes === undefined) return lines.numbers();
    const found = new Set<number>();
    for (const outcome of this.#outcomes) {
      for (const line of lines.containing(`"outcome":${JSON.stringify(outcome)}`)) found.add(line);
    }
    return [...found].sort((a, b) => a - b);
  }
}
