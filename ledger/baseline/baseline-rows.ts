import type { Judged, NoBaseline, Standing } from '../../domain/incremental.ts';
import type { Item } from '../../domain/item.ts';
import { rowsOf } from '../../domain/outcome.ts';
import type { Ledger } from '../ledger.ts';
import type { Baseline } from './find-baseline.ts';
import { isVersion, type KnownRow, knownRow, type Reading, sameFacts } from './known-row.ts';
import { type OpenedJob, Originals, openHeeded, rowsIn } from './open-baseline.ts';
import { OrderedRows, type RowPlace } from './ordered-rows.ts';
import { RowTable } from './row-table.ts';

/** What the baseline says of an item. */
export interface Found {
  /** The row that judged this version; undefined: scan it. */
  readonly judged?: Judged;
  /** That row was listed with the time that the item has now; else it knows none. */
  readonly timed?: true;
  /** Some row names the version that it has now, whatever it says of it. */
  readonly named: boolean;
}

type Facts = Omit<KnownRow, 'version'>;

/** Where the streams of a baseline go on, in the order of its jobs that have one. */
export type BaselinePlace = readonly RowPlace[];

/** The newest rows of a baseline, asked for item by item in the order of the listing. */
export class BaselineRows {
  readonly #streams: readonly OrderedRows[];
  readonly #table: RowTable;

  private constructor(streams: readonly OrderedRows[], table: RowTable) {
    this.#streams = streams;
    this.#table = table;
  }

  /**
   * Proves the ledgers of a baseline and opens their rows. Reads what has to be held in memory, unless this process still has it for
   * the same scan.
   * @param scan the job that asks
   * @throws LedgerError `corrupt`, `not_found` when one of them is damaged or gone; as reading does
   */
  static async open(
    ledger: Pick<Ledger, 'id' | 'job'>,
    scan: string,
    baseline: Baseline,
    now: Standing,
    place: BaselinePlace = [],
  ): Promise<BaselineRows> {
    const { jobs, reading, table } = await openedBaseline(ledger, scan, baseline, now);
    const streams = jobs
      .filter(({ ordered }) => ordered)
      .map((job, at) => new OrderedRows(job, reading(job), place[at]));
    return new BaselineRows(streams, table);
  }

  get place(): BaselinePlace {
    return this.#streams.map((stream) => stream.place);
  }

  /** Set when rows could not be read: from then on everything is to be scanned. */
  get damage(): NoBaseline | undefined {
    const detail = this.#streams.find(({ damage }) => damage !== undefined)?.damage;
    return detail === undefined ? undefined : { code: 'damaged', detail };
  }

  /**
   * Whether an item that was listed without its version may be unchanged, so that it is worth asking for: its newest row has its size
   * and time, and carries over. Only known of rows that are held in memory.
   */
  mayBeUnchanged(item: Item): boolean {
    const held = this.#table.rows > 0 ? this.#table.get(item) : undefined;
    return held?.judged !== undefined && sameFacts(item, held);
  }

  /** @throws LedgerError as reading does */
  async find(item: Item): Promise<Found> {
    let newest: { row: Facts; same: boolean } | undefined;
    let named = false;
    for (const stream of this.#streams) {
      const row = await stream.at(item);
      if (row === undefined) continue;
      const same = isVersion(item, row);
      named ||= same;
      if (newest === undefined || isNewer(row, newest.row)) newest = { row, same };
    }
    // Rows that can't be read may be newer ones: nothing carries over any more.
    if (this.damage !== undefined) return { named };
    const held = this.#table.rows > 0 ? this.#table.get(item) : undefined;
    if (held !== undefined) {
      const same = item.version !== undefined && item.version !== '' && held.isVersion(item.version);
      // Without a version, the facts tell at least that nothing is new.
      named ||= same || (item.version === undefined && sameFacts(item, held));
      if (newest === undefined || isNewer(held, newest.row)) newest = { row: held, same };
    }
    const { row, same } = newest ?? {};
    if (row?.judged === undefined || !same || !sameFacts(item, row)) return { named };
    return { named, judged: row.judged, ...(!Number.isNaN(row.modified) && { timed: true }) };
  }
}

/** Of two that are equally old the one that carries nothing over stands. */
function isNewer(a: Pick<KnownRow, 'at' | 'judged'>, b: Pick<KnownRow, 'at' | 'judged'>): boolean {
  return a.at > b.at || (a.at === b.at && a.judged === undefined);
}

/** A baseline whose ledgers are proven, with the rows that are held in memory. */
interface OpenedBaseline {
  readonly jobs: readonly OpenedJob[];
  readonly reading: (job: OpenedJob) => Reading;
  readonly table: RowTable;
}

/** The last baseline that was opened, so that each turn of one scan need not read it again. */
let kept: { readonly key: string; readonly opened: Promise<OpenedBaseline> } | undefined;

async function openedBaseline(ledger: Pick<Ledger, 'id' | 'job'>, scan: string, baseline: Baseline, now: Standing) {
  const key = JSON.stringify([ledger.id, scan, baseline, now]);
  if (kept?.key !== key) {
    const opened = openBaseline(ledger, baseline, now);
    kept = { key, opened };
    // What could not be read is read again.
    opened.catch(() => {
      if (kept?.opened === opened) kept = undefined;
    });
  }
  return await kept.opened;
}

async function openBaseline(
  ledger: Pick<Ledger, 'id' | 'job'>,
  baseline: Baseline,
  now: Standing,
): Promise<OpenedBaseline> {
  const originals = new Originals(ledger);
  const reading = ({ job, root }: OpenedJob): Reading => ({ job, root, now, originals });
  const jobs: OpenedJob[] = [];
  for (const heeded of baseline.jobs) jobs.push(await openHeeded(ledger, heeded));
  return { jobs, reading, table: await buildTable(jobs, reading) };
}

async function buildTable(jobs: readonly OpenedJob[], reading: (job: OpenedJob) => Reading): Promise<RowTable> {
  const rows = jobs.flatMap(({ held }) => held).reduce((sum, { counters }) => sum + rowsOf(counters), 0);
  const table = new RowTable(rows);
  for (const job of jobs) {
    const under = reading(job);
    for (const page of job.held) {
      for (const row of await rowsIn(job.ledger, page)) {
        const known = await knownRow(row, under);
        if (known !== undefined) table.put(row, known);
      }
    }
  }
  return table;
}
