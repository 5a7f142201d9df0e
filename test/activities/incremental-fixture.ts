import { listIncrementally } from '../../activities/incremental-listing.ts';
import { policyOf } from '../../activities/policy.ts';
import type { PlanPagesInput } from '../../activities/types.ts';
import type { Connector, Listing, Position } from '../../connectors/connector.ts';
import { noActions } from '../../domain/action.ts';
import { type Incremental, type Judged, RESCAN_AFTER } from '../../domain/incremental.ts';
import { type Item, locationBytes, pageId } from '../../domain/item.ts';
import type { FinalState, JobKind } from '../../domain/job.ts';
import { addCounters, countRows, noCounters, type Outcome, type OutcomeRow, rowHead } from '../../domain/outcome.ts';
import { outcomeGaps } from '../../domain/retry.ts';
import { type Ledger, openLedgerStore } from '../../ledger/ledger.ts';
import { createMemoryStore } from '../ledger/memory-store.ts';

const WRITER = { run: 'run', activity: 'scan', attempt: 1 };
const FILE_PAGE = 3;
const VERDICTS: Partial<Record<Outcome, string>> = { clean: 'Benign', malicious: 'Malicious', inconclusive: 'Unknown' };

/** How a scan of the stage is done. */
export interface ScanOptions {
  readonly kind?: JobKind;
  readonly incremental?: boolean;
  readonly rescanAfter?: number;
  /** Only the first so many items get a row, and the job is cancelled. */
  readonly cutAfter?: number;
  /** Locations that fail. */
  readonly failing?: ReadonlySet<string>;
  /** It has no account: it goes on, or was never ended. */
  readonly unended?: boolean;
  /** The listing is closed and opened anew behind every so many items. */
  readonly turn?: number;
}

/** What a scan of the stage came to. */
export interface Scanned {
  readonly job: string;
  readonly root: string;
  readonly items: readonly Item[];
  readonly rows: readonly OutcomeRow[];
  readonly told: Incremental;
}

/** A storage, a clock and a ledger: scans are listed by the real code, and their rows written as the activities do. */
export class Stage {
  readonly ledger: Ledger;
  readonly objects: Map<string, Buffer>;
  /** Location to content: the version follows from it, so that going back to a content goes back to its version. */
  readonly store = new Map<string, string>();
  ordered = true;
  kind = 'azure_blob_storage';
  fingerprint = 'asset';
  identity = 'http://scanner entity default';
  password: string | undefined;
  scanner = 'dsxa';
  /** Sum of what the listings told. */
  unannounced = 0;
  /** What is written of what was found, instead. */
  forge: (judged: Judged) => Judged = (judged) => judged;
  now = Date.parse('2026-01-01T00:00:00.000Z');
  #jobs = 0;

  private constructor(ledger: Ledger, objects: Map<string, Buffer>) {
    this.ledger = ledger;
    this.objects = objects;
  }

  static async open(): Promise<Stage> {
    const store = createMemoryStore();
    return new Stage(await openLedgerStore(store), store.objects);
  }

  /** Everything in the storage, as it is listed. */
  items(): Item[] {
    const items = [...this.store].map(([location, content]): Item => {
      return { location, version: `v-${content}`, size: content.length, modified: '2025-12-31T00:00:00.000Z' };
    });
    if (this.ordered) return items.sort((a, b) => Buffer.compare(locationBytes(a), locationBytes(b)));
    return items.reverse();
  }

  /** @param only requested scans: these locations */
  async scan(options: ScanOptions = {}, only?: readonly string[]): Promise<Scanned> {
    const job = `job-${++this.#jobs}`;
    const { kind = 'full', incremental = false, rescanAfter = RESCAN_AFTER } = options;
    const settings = {
      filter: '',
      action: 'nothing' as const,
      dryRun: false,
      scanner: this.scanner,
      ...(incremental && { incremental, rescanAfter }),
    };
    const source = { kind: 'connector' as const, id: 'one' };
    const startedAt = this.#tick();
    const header = { format: 1 as const, job, kind, source, settings, actor: 'test', startedAt };
    const { hash } = await this.ledger.job(job).writeHeader(header);
    const listed = this.items().filter(({ location }) => only?.includes(location) ?? true);
    const input = { job, source, settings, fingerprint: this.fingerprint } as unknown as PlanPagesInput;
    const { items, told } = incremental ? await this.#mark(input, listed, options.turn) : { items: listed, told: {} };
    const policy = await policyOf(this.#deps(), source, this.scanner);
    const rows: OutcomeRow[] = [];
    for (const [at, item] of items.entries()) {
      if (at >= (options.cutAfter ?? Number.POSITIVE_INFINITY)) break;
      const head = rowHead(pageId(0, Math.floor(at / FILE_PAGE)), at % FILE_PAGE, item);
      rows.push({ ...head, ...this.#outcome(item, policy, options), at: this.#tick() });
    }
    const cut = options.cutAfter !== undefined && options.cutAfter < items.length;
    const root = await this.#write(job, hash, items, rows, cut ? 'cancelled' : 'completed', options.unended === true);
    return { job, root, items, rows, told };
  }

  #tick(): string {
    this.now += 1_000;
    return new Date(this.now).toISOString();
  }

  #deps() {
    const { password } = this;
    const hidden = password === undefined ? undefined : { reveal: () => password };
    return {
      ledger: this.ledger,
      scanner: () => ({ identity: this.identity }) as never,
      scanPassword: () => hidden,
    };
  }

  async #mark(input: PlanPagesInput, listed: readonly Item[], turn = Number.POSITIVE_INFINITY) {
    const connector = { kind: this.kind, capabilities: { ordered: this.ordered } } as Connector;
    const signal = new AbortController().signal;
    const items: Item[] = [];
    let told: Incremental = {};
    let place: Position | undefined;
    for (let done = false; !done; ) {
      const open = (from: Position | undefined) => listingOf(listed, from);
      const listing = await listIncrementally(this.#deps(), input, connector, open, place, () => this.now);
      let taken = 0;
      for (; taken < turn && !done; ) {
        const events = await listing.nextBatch(Math.min(2, turn - taken), signal);
        done = events.length === 0;
        taken += events.length;
        for (const event of events) if (event.kind === 'item') items.push(this.#forged(event.item));
      }
      // As it is kept between turns.
      place = JSON.parse(JSON.stringify(listing.position())) as Position;
      const more = listing.told();
      told = { ...told, ...more };
      if (more.unannounced !== undefined) this.unannounced += more.unannounced;
    }
    return { items, told };
  }

  #forged(item: Item): Item {
    return item.unchanged === undefined ? item : { ...item, unchanged: this.forge(item.unchanged) };
  }

  #outcome(item: Item, policy: string, { failing }: ScanOptions): Pick<OutcomeRow, 'outcome' | 'reason'> {
    if (item.unchanged !== undefined) {
      return { outcome: 'skipped', reason: 'unchanged', unchanged: item.unchanged } as never;
    }
    if (failing?.has(item.location)) return { outcome: 'failed', reason: 'scanner_transient' };
    const outcome = item.version?.includes('evil') ? 'malicious' : 'clean';
    const judged = {
      outcome,
      judged: { version: item.version ?? '', size: item.size ?? 0 },
      sha256: '0'.repeat(64),
      verdict: { verdict: VERDICTS[outcome] },
      scanner: { name: this.scanner, standIn: this.scanner === 'standin', policy },
      attempts: 1,
    };
    return judged as never;
  }

  async #write(
    id: string,
    headerHash: string,
    items: readonly Item[],
    rows: readonly OutcomeRow[],
    state: FinalState,
    unended: boolean,
  ): Promise<string> {
    const job = this.ledger.job(id);
    const entries = [];
    const results = [];
    let counters = noCounters();
    for (let first = 0; first < items.length; first += FILE_PAGE) {
      const page = pageId(0, first / FILE_PAGE);
      const some = items.slice(first, first + FILE_PAGE);
      const object = await job.writePage(page, some, WRITER);
      entries.push({ page, object, items: some.length, bytes: some.reduce((sum, { size = 0 }) => sum + size, 0) });
      const mine = rows.slice(first, first + FILE_PAGE);
      if (mine.length === 0) continue;
      const segment = await job.writeSegment(page, mine, WRITER);
      counters = addCounters(counters, countRows(mine));
      const partial = mine.length < some.length && { partial: true as const };
      results.push({ page, listing: object, items: some.length, segment, counters: countRows(mine), ...partial });
    }
    const index = await job.writeIndex(
      {
        format: 1,
        job: id,
        lane: 0,
        epoch: 0,
        pages: entries,
        position: {},
        done: true,
        gaps: { count: 0, samples: [] },
        outside: 0,
      },
      WRITER,
    );
    const gaps = outcomeGaps(counters);
    const account = {
      state: state === 'completed' && gaps.length > 0 ? ('completed_with_gaps' as const) : state,
      listed: items.length,
      listedBytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
      listingDone: true,
      outside: 0,
      counters,
      actions: noActions(),
      gaps,
      endedAt: this.#tick(),
      fingerprint: this.fingerprint,
    };
    const body = {
      format: 1 as const,
      job: id,
      number: 1,
      previous: headerHash,
      indexes: [index],
      pages: results,
      actions: [],
      counters,
      ...(!unended && { account }),
    };
    return (await job.writeCommit(body)).hash;
  }
}

function listingOf(items: readonly Item[], from: Position | undefined): Listing {
  let at = typeof from?.at === 'number' ? from.at : 0;
  const nextBatch = async (max: number) => {
    const some = items.slice(at, at + max);
    at += some.length;
    return some.map((item) => ({ kind: 'item' as const, item }));
  };
  return {
    next: async () => (await nextBatch(1))[0],
    nextBatch,
    position: () => ({ at }),
    requests: () => 0,
    close: async () => undefined,
  };
}
