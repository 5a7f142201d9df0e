import type { Connector, ListEvent, Listing, Position } from '../connectors/connector.ts';
import { CONNECTOR_CODES, ConnectorError } from '../connectors/errors.ts';
import { type Pins, pinsOf } from '../connectors/pinning.ts';
import { type Incremental, type NoBaseline, RESCAN_AFTER, type Standing } from '../domain/incremental.ts';
import type { Item } from '../domain/item.ts';
import { UNCHANGED } from '../domain/outcome.ts';
import { type BaselinePlace, BaselineRows } from '../ledger/baseline/baseline-rows.ts';
import { type Baseline, findBaseline } from '../ledger/baseline/find-baseline.ts';
import { eachOf } from '../ledger/each-of.ts';
import { isLedgerError } from '../ledger/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { WorkerDeps } from './deps.ts';
import { policyOf } from './policy.ts';
import type { PlanPagesInput } from './types.ts';

/** A listing that marks what is unchanged, and can tell what became of that. */
export interface IncrementalListing extends Listing {
  /** Figures since it was opened. */
  told(): Incremental;
}

/** The position of such a listing: where the storage's goes on, and where the baseline does. Names and numbers only, but for the first. */
interface Place {
  /** Absent at the beginning. */
  readonly listing?: Position;
  readonly baseline?: Baseline;
  readonly rows?: BaselinePlace;
  readonly why?: NoBaseline;
}

/** Whether the scan is to skip what is unchanged. */
export function isIncremental({ settings, retry, intake }: PlanPagesInput): boolean {
  return settings.incremental === true && retry === undefined && intake === undefined;
}

/**
 * Opens the listing of an incremental scan. The baseline is chosen at its beginning and kept in its positions.
 * @throws LedgerError, ScannerError `scanner_config`
 */
export async function listIncrementally(
  deps: Pick<WorkerDeps, 'ledger' | 'scanner' | 'scanPassword'>,
  input: PlanPagesInput,
  connector: Connector,
  open: (from: Position | undefined) => Listing,
  from: Position | undefined,
  clock: () => number = Date.now,
): Promise<IncrementalListing> {
  const place = (from ?? {}) as Place;
  const { scanner } = input.settings;
  const now: Standing = {
    scanner,
    standIn: scanner === 'standin',
    policy: await policyOf(deps, input.source, scanner),
  };
  const chosen = await chosenAt(deps.ledger, place, input, connector, now);
  const rules: UnchangedRules = {
    pins: pinsOf(connector.kind),
    rescanAfterMs: (input.settings.rescanAfter ?? RESCAN_AFTER) * 1000,
    now: clock,
    versioned: versionsBy(connector),
  };
  return markUnchanged(open(place.listing), chosen, rules);
}

/** A baseline with its rows, or why there is none. */
export interface Chosen {
  readonly baseline?: Baseline;
  readonly rows?: BaselineRows;
  readonly why?: NoBaseline;
}

async function chosenAt(
  ledger: Pick<Ledger, 'id' | 'job' | 'starts'>,
  place: Place,
  { job, source, fingerprint }: PlanPagesInput,
  { capabilities }: Connector,
  now: Standing,
): Promise<Chosen> {
  if (place.why !== undefined) return { why: place.why };
  const looking = { job, source: source.id, fingerprint, ordered: capabilities.ordered };
  const found = place.baseline ?? (await findBaseline(ledger, looking));
  if ('code' in found) return { why: found };
  try {
    return { baseline: found, rows: await BaselineRows.open(ledger, job, found, now, place.rows) };
  } catch (error) {
    if (!isLedgerError(error, 'corrupt') && !isLedgerError(error, 'not_found')) throw error;
    // It is told since when nothing is known any more; from here on everything is scanned.
    return { why: { code: 'damaged', detail: error.message } };
  }
}

export interface UnchangedRules {
  readonly pins: Pins;
  /** What was judged longer ago is scanned again. */
  readonly rescanAfterMs: number;
  readonly now: () => number;
  /** An item with its version, which its listing left out; as it is where that can't be had. */
  readonly versioned: (item: Item, signal: AbortSignal) => Promise<Item>;
}

/** Asks for single items: a request each, where scanning takes two, the bytes and the scanner. What fails is scanned. */
function versionsBy(connector: Pick<Connector, 'stat'>): UnchangedRules['versioned'] {
  return async (item, signal) => {
    try {
      return await connector.stat(item, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ConnectorError && CONNECTOR_CODES[error.code] !== 'hold') return item;
      throw error;
    }
  };
}

/** The same listing, in which items that a baseline judged clean, and that are the same still, are marked to be skipped. */
export function markUnchanged(listing: Listing, chosen: Chosen, rules: UnchangedRules): IncrementalListing {
  const { baseline, rows } = chosen;
  let unannounced = 0;
  const why = (): NoBaseline | undefined => rows?.damage ?? chosen.why;

  async function look(event: ListEvent): Promise<ListEvent> {
    if (event.kind !== 'item' || rows === undefined || !isToBeScanned(event.item)) return event;
    const { item } = event;
    const { judged, named, timed } = await rows.find(item);
    const at = judged === undefined ? Number.NaN : Date.parse(judged.at);
    const stands =
      judged !== undefined &&
      rules.now() - at <= rules.rescanAfterMs &&
      rules.pins(item.version ?? '', timed ? item.modified : undefined, at);
    if (stands) return { kind: 'item', item: { ...item, skip: UNCHANGED, unchanged: judged } };
    if (!named && rows.damage === undefined) unannounced += 1;
    return event;
  }

  /** What may be unchanged, and was listed without its version, gets it: several are asked for at once. */
  async function withVersions(events: readonly ListEvent[], signal: AbortSignal): Promise<ListEvent[]> {
    return await eachOf(events, async (event) => {
      if (event.kind !== 'item' || event.item.version !== undefined || !isToBeScanned(event.item)) return event;
      if (rows?.mayBeUnchanged(event.item) !== true) return event;
      return { kind: 'item', item: await rules.versioned(event.item, signal) };
    });
  }

  return {
    async next(signal) {
      const event = await listing.next(signal);
      if (event === undefined) return undefined;
      const [versioned = event] = await withVersions([event], signal);
      return await look(versioned);
    },
    async nextBatch(max, signal) {
      const events = await listing.nextBatch(max, signal);
      const looked: ListEvent[] = [];
      for (const event of await withVersions(events, signal)) looked.push(await look(event));
      return looked;
    },
    position() {
      const reason = why();
      const place: Place = {
        listing: listing.position(),
        ...(baseline !== undefined && rows !== undefined && reason === undefined && { baseline, rows: rows.place }),
        ...(reason !== undefined && { why: reason }),
      };
      return { ...place };
    },
    repeats: () => listing.repeats?.() === true,
    requests: () => listing.requests(),
    close: () => listing.close(),
    told() {
      const reason = why();
      return {
        ...(baseline !== undefined && { since: baseline.since, ...(baseline.cut !== true && { unannounced }) }),
        ...(reason !== undefined && { why: reason }),
      };
    },
  };
}

/** What ends without being opened in any case is left as it is. */
function isToBeScanned({ skip, fault, unscannable }: Item): boolean {
  return skip === undefined && fault === undefined && unscannable === undefined;
}
