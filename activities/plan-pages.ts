import { Context } from '@temporalio/activity';
import type { Connector, ListEvent, Listing, Position } from '../connectors/connector.ts';
import { CONNECTOR_CODES, ConnectorError } from '../connectors/errors.ts';
import type { Incremental } from '../domain/incremental.ts';
import { type Item, type ItemRef, pageId } from '../domain/item.ts';
import type { JobLedger } from '../ledger/ledger.ts';
import type { PageEntry, Writer } from '../ledger/types.ts';
import { connectorOf, silent } from './asset.ts';
import { within } from './deadline.ts';
import type { WorkerDeps } from './deps.ts';
import { type IncrementalListing, isIncremental, listIncrementally } from './incremental-listing.ts';
import { scopeOf } from './list-scope.ts';
import { withPulse } from './pulse.ts';
import { listRetried } from './retry-listing.ts';
import { createSeenItems, SeenItems } from './seen-items.ts';
import type { PlannedTurn, PlanPagesInput } from './types.ts';
import { writerOf } from './writer.ts';

/** A turn writes no further page after this long. */
const TURN_MS = 2_000;
/** Events pulled from a listing at once. */
const BATCH = 500;
/** Folders that could not be listed are named up to this many a turn; all are counted. */
const GAP_SAMPLES = 100;
/** A listing that breaks is tried so often in all from where it broke, before it counts as broken. */
const LISTING_TRIES = 5;
/** A flat folder of millions takes a while to read; a storage that takes longer than this over one batch is silent. Milliseconds. */
const LISTING_PATIENCE_MS = 300_000;

/**
 * One turn of planning: goes on where the last one stopped, writes pages and one index that names them.
 * @throws ConnectorError while the listing may still be mended (retry) or somebody must mend it (hold); LedgerError
 */
export function createPlanPages(deps: WorkerDeps): (input: PlanPagesInput) => Promise<PlannedTurn> {
  const seenUpTo = createSeenItems();
  return (input) =>
    withPulse(async () => {
      const context = Context.current();
      const ledger = deps.ledger.job(input.job);
      const signal = context.cancellationSignal;
      const connector = await connectorOf(deps, input, signal);
      const before = input.after === undefined ? undefined : (await ledger.readIndex(input.after)).position;
      const listing = await listingOf(input, deps, connector, before, signal);
      const seen = () => seenUpTo(ledger, input.after);
      const planner = new Planner(input, deps, ledger, writerOf(context.info), before ?? {}, seen);
      try {
        await planner.fill(listing, signal, context.info.attempt >= LISTING_TRIES);
      } finally {
        await listing.close();
      }
      return await planner.finish(told(listing));
    });
}

/** What an incremental listing tells of itself beside its items. */
function told(listing: Listing | IncrementalListing): Incremental | undefined {
  return 'told' in listing ? listing.told() : undefined;
}

async function listingOf(
  input: PlanPagesInput,
  deps: WorkerDeps,
  connector: Connector,
  before: Position | undefined,
  signal: AbortSignal,
): Promise<Listing | IncrementalListing> {
  const { ledger } = deps;
  if (input.retry !== undefined) return await listRetried(ledger, input.retry, before);
  const open = (from: Position | undefined) => connector.list(scopeOf(input.settings), from);
  if (isIncremental(input)) return await listIncrementally(deps, input, connector, open, before);
  if (input.intake === undefined) return open(before);
  return listItems(await ledger.job(input.job).readIntake(input.intake), (ref) => connector.stat(ref, signal), before);
}

/** The items that a request named, in the shape of a listing. */
function listItems(
  refs: readonly ItemRef[],
  stat: (ref: ItemRef) => Promise<Item>,
  from: Position | undefined,
): Listing {
  let at = typeof from?.next === 'number' ? from.next : 0;
  const next = async (): Promise<ListEvent | undefined> => {
    const ref = refs[at];
    if (ref === undefined) return undefined;
    const item = await statOrBare(ref, stat);
    at += 1;
    return { kind: 'item', item };
  };
  return {
    next,
    nextBatch: async () => {
      const event = await next();
      return event === undefined ? [] : [event];
    },
    position: () => ({ next: at }),
    requests: () => at,
    close: async () => undefined,
  };
}

/** An item that is gone, or can't be looked at, is listed all the same: opening it tells its outcome. */
async function statOrBare(ref: ItemRef, stat: (ref: ItemRef) => Promise<Item>): Promise<Item> {
  try {
    return await stat(ref);
  } catch (error) {
    if (error instanceof ConnectorError && CONNECTOR_CODES[error.code] === 'final') return ref;
    throw error;
  }
}

/** It was listed before in this job: whatever that row says stands. */
function duplicateOf({ unchanged: _, ...item }: Item): Item {
  return { ...item, skip: 'duplicate' };
}

class Planner {
  readonly #input: PlanPagesInput;
  readonly #deps: WorkerDeps;
  readonly #ledger: JobLedger;
  readonly #writer: Writer;
  /** What the turns before gave: asked for once the listing repeats itself. */
  readonly #before: () => Promise<SeenItems>;
  #repeated: { readonly before: SeenItems; readonly own: SeenItems } | undefined;
  readonly #began = performance.now();
  readonly #pages: PageEntry[] = [];
  readonly #samples: { location: string; detail: string }[] = [];
  #items: Item[] = [];
  #bytes = 0;
  #pageItems: number;
  #gaps = 0;
  #outside = 0;
  #position: Position;
  #done = false;
  #broken: { code: string; message: string } | undefined;

  constructor(
    input: PlanPagesInput,
    deps: WorkerDeps,
    ledger: JobLedger,
    writer: Writer,
    position: Position,
    before: () => Promise<SeenItems>,
  ) {
    this.#before = before;
    this.#input = input;
    this.#deps = deps;
    this.#ledger = ledger;
    this.#writer = writer;
    this.#pageItems = Math.min(input.pageItems, deps.pageItems);
    this.#position = position;
  }

  /** @param last whether a break of the listing is to be taken as its end */
  async fill(listing: Listing, signal: AbortSignal, last: boolean): Promise<void> {
    try {
      while (!this.#full() && !this.#done) {
        const batch = listing.nextBatch(Math.min(BATCH, this.#pageItems - this.#items.length), signal);
        const events = await within(LISTING_PATIENCE_MS, batch, () =>
          silent(this.#input.source.id, 'listing', LISTING_PATIENCE_MS),
        );
        this.#done = events.length === 0;
        if (listing.repeats?.()) this.#repeated ??= { before: await this.#before(), own: await this.#given() };
        for (const event of events) {
          if (event.kind === 'gap') this.#gap(event.location, event.detail);
          else if (event.kind === 'outside') this.#outside += event.count;
          else await this.#add(event.item);
        }
      }
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
      const fate = CONNECTOR_CODES[error.code];
      // A storage that asks to slow down is no broken listing, however often it asks.
      if (fate === 'hold' || (fate === 'retry' && (!last || error.code === 'throttled'))) throw error;
      this.#broken = { code: error.code, message: error.message };
      this.#done = true;
    }
    await this.#close();
    this.#position = listing.position();
  }

  /** The items of this turn so far. They count only if the turn does, so they are kept apart. */
  async #given(): Promise<SeenItems> {
    const seen = new SeenItems();
    for (const { object } of this.#pages) for (const item of await this.#ledger.readPage(object)) seen.add(item);
    for (const item of this.#items) seen.add(item);
    return seen;
  }

  #full(): boolean {
    if (this.#pages.length >= this.#input.pages) return true;
    return performance.now() - this.#began > TURN_MS;
  }

  #gap(location: string, detail: string): void {
    this.#gaps += 1;
    if (this.#samples.length < GAP_SAMPLES) this.#samples.push({ location, detail });
  }

  async #add(listed: Item): Promise<void> {
    const again = this.#repeated?.before.has(listed) || this.#repeated?.own.has(listed);
    const item = again ? duplicateOf(listed) : listed;
    this.#repeated?.own.add(item);
    this.#items.push(item);
    this.#bytes += item.size ?? 0;
    if (this.#items.length >= this.#pageItems || this.#bytes >= this.#deps.pageBytes) await this.#close();
  }

  async #close(): Promise<void> {
    if (this.#items.length === 0) return;
    const page = pageId(this.#input.lane, this.#input.firstPage + this.#pages.length);
    const object = await this.#ledger.writePage(page, this.#items, this.#writer);
    this.#pages.push({ page, object, items: this.#items.length, bytes: this.#bytes });
    this.#items = [];
    this.#bytes = 0;
    this.#pageItems = Math.min(this.#pageItems * 2, this.#deps.pageItems);
  }

  async finish(incremental: Incremental | undefined): Promise<PlannedTurn> {
    const index = await this.#ledger.writeIndex(
      {
        format: 1,
        job: this.#input.job,
        lane: this.#input.lane,
        epoch: this.#input.epoch,
        ...(this.#input.after !== undefined && { after: this.#input.after }),
        pages: this.#pages,
        position: this.#position,
        done: this.#done,
        gaps: { count: this.#gaps, samples: this.#samples },
        outside: this.#outside,
      },
      this.#writer,
    );
    const sum = (of: (page: PageEntry) => number) => this.#pages.reduce((total, page) => total + of(page), 0);
    return {
      index,
      pages: this.#pages.length,
      items: sum((page) => page.items),
      bytes: sum((page) => page.bytes),
      outside: this.#outside,
      gaps: this.#gaps,
      pageItems: this.#pageItems,
      done: this.#done,
      ...(this.#broken !== undefined && { broken: this.#broken }),
      ...(incremental !== undefined && { incremental }),
    };
  }
}
