import { Context } from '@temporalio/activity';
import type { Connector, ListScope } from '../connectors/connector.ts';
import { CONNECTOR_CODES, ConnectorError } from '../connectors/errors.ts';
import { versionOf } from '../connectors/remote/version.ts';
import { intakeLine } from '../domain/intake.ts';
import { type Item, type ItemRef, pageId, type SkipRule } from '../domain/item.ts';
import { isLedgerError } from '../ledger/errors.ts';
import type { IntakeSpans, PageEntry } from '../ledger/types.ts';
import { connectorOf, silent, storagePatience } from './asset.ts';
import { within } from './deadline.ts';
import type { WorkerDeps } from './deps.ts';
import { scopeOf } from './list-scope.ts';
import { withPulse } from './pulse.ts';
import type { EventLines, PlanEventsInput, PlannedTurn } from './types.ts';
import { writerOf } from './writer.ts';

/** Items looked at at once. */
const AT_ONCE = 16;

interface EventItem {
  /** With a version where the source alone can tell of the item. */
  readonly ref: ItemRef & Partial<Pick<Item, 'version'>>;
  readonly skip?: SkipRule;
  readonly pushed?: string;
}

/**
 * Lists what events tell of: each item as the storage shows it now, by the rules of a full scan. What lies outside the scope is counted and
 * not listed. Writes one page, if there is anything to list, and the index that names it.
 * @throws ConnectorError while the storage can't be looked at; LedgerError
 */
export function createPlanEvents(deps: WorkerDeps): (input: PlanEventsInput) => Promise<PlannedTurn> {
  return (input) => withPulse(() => plan(deps, input));
}

async function plan(deps: WorkerDeps, input: PlanEventsInput): Promise<PlannedTurn> {
  const { info, cancellationSignal } = Context.current();
  const { settings } = input;
  const connector = await connectorOf(deps, input, cancellationSignal);
  const { events, lost } = await readEvents(deps, input);
  const scope = scopeOf(settings);
  const patience = storagePatience(deps.patienceMs);
  const look = (event: EventItem) =>
    within(patience, itemOf(event, connector, scope, cancellationSignal), () =>
      silent(connector.id, 'looking at items', patience),
    );
  const looked = await mapped(events, async (event) => withOrigin(await look(event), event));
  const listed = looked.filter((item) => item !== undefined);
  // What a remote connector tells pins no bytes: what was judged before may be other bytes by now.
  const items = connector.kind === 'remote' ? listed : await withoutKnown(deps, input, listed);
  const bytes = items.reduce((sum, { size = 0 }) => sum + size, 0);
  const ledger = deps.ledger.job(input.job);
  const writer = writerOf(info);
  const pages: PageEntry[] = [];
  if (items.length > 0) {
    const page = pageId(0, input.page);
    pages.push({ page, object: await ledger.writePage(page, items, writer), items: items.length, bytes });
  }
  const outside = events.length - items.length;
  const gaps = { count: lost.reduce((sum, { lines }) => sum + lines.length, 0), samples: lost.map(lostPage) };
  const body = {
    format: 1,
    job: input.job,
    lane: 0,
    epoch: 0,
    pages,
    position: {},
    done: input.last,
    gaps,
    outside,
    ...(connector.kind === 'remote' && { intake: spansOf(input.events) }),
  } as const;
  const index = await ledger.writeIndex(body, writer);
  const { count } = gaps;
  return {
    index,
    pages: pages.length,
    items: items.length,
    bytes,
    outside,
    gaps: count,
    pageItems: 1,
    done: input.last,
  };
}

function withOrigin(item: Item | undefined, { pushed }: EventItem): Item | undefined {
  return item === undefined || pushed === undefined ? item : { ...item, pushed };
}

/** The intake pages of a turn, in few words: of one writer their numbers mostly follow one another. */
export function spansOf(events: readonly Pick<EventLines, 'ref'>[]): IntakeSpans[] {
  const numbers = new Map<string, number[]>();
  for (const { ref } of events) numbers.set(ref.writer, [...(numbers.get(ref.writer) ?? []), ref.n]);
  return [...numbers].map(([writer, all]) => {
    const spans: [number, number][] = [];
    for (const n of all.sort((a, b) => a - b)) {
      const last = spans.at(-1);
      if (last !== undefined && n <= last[1] + 1) last[1] = n;
      else spans.push([n, n]);
    }
    return { writer, spans };
  });
}

/** The events of the turn; a page that is gone from the ledger, or damaged, is a gap. */
async function readEvents(
  { ledger }: WorkerDeps,
  { source, shard, events }: PlanEventsInput,
): Promise<{ events: EventItem[]; lost: EventLines[] }> {
  const found: EventItem[] = [];
  const lost: EventLines[] = [];
  for (const taken of events) {
    try {
      const lines = await ledger.intake.read({ source: source.id, shard }, taken.ref);
      const duplicate = new Set(taken.duplicate);
      const superseded = new Set(taken.superseded);
      for (const at of taken.lines) {
        const event = lines[at]?.event;
        if (event === undefined) continue;
        const { location, locationBytes, told } = event;
        const skip = duplicate.has(at) ? 'duplicate' : superseded.has(at) ? 'superseded' : undefined;
        const ref = {
          location,
          ...(locationBytes !== undefined && { locationBytes }),
          ...(told !== undefined && { version: versionOf(told) }),
        };
        const pushed = told !== undefined ? intakeLine(taken.ref, at) : undefined;
        found.push({ ref, ...(skip !== undefined && { skip }), ...(pushed !== undefined && { pushed }) });
      }
    } catch (error) {
      if (!isLedgerError(error, 'not_found') && !isLedgerError(error, 'corrupt')) throw error;
      lost.push(taken);
    }
  }
  return { events: found, lost };
}

function lostPage({ ref, lines }: EventLines): { location: string; detail: string } {
  const location = `_intake/${ref.slot}/${ref.writer}-${ref.n}/`;
  return { location, detail: `${lines.length} events can't be read any more: their page is gone or damaged` };
}

/** The item as it is to be listed; undefined when it lies outside the scope. */
async function itemOf(
  { ref, skip }: EventItem,
  connector: Connector,
  scope: ListScope,
  signal: AbortSignal,
): Promise<Item | undefined> {
  if (!scope.includes(ref.location)) return undefined;
  if (skip !== undefined) return { ...ref, skip };
  try {
    const item = await connector.stat(ref, signal);
    const tooLarge = scope.maxSize !== undefined && (item.size ?? 0) > scope.maxSize;
    return tooLarge && item.skip === undefined ? { ...item, skip: 'size' } : item;
  } catch (error) {
    // A folder, what lies in quarantine, our own files: nothing that a listing would show.
    if (error instanceof ConnectorError && error.code === 'not_an_item') return undefined;
    // One that is gone, or can't be looked at, is listed all the same: opening it tells its outcome.
    if (error instanceof ConnectorError && CONNECTOR_CODES[error.code] === 'final') return ref;
    throw error;
  }
}

/** The same items; those that were judged before in the very version that is there now are not scanned again. */
async function withoutKnown(
  { memory }: WorkerDeps,
  { source, settings }: PlanEventsInput,
  items: readonly Item[],
): Promise<readonly Item[]> {
  const known = await memory.known({ source: source.id, scanner: settings.scanner }, items);
  return items.map((item, at) =>
    known[at] === true && item.skip === undefined ? { ...item, skip: 'duplicate' } : item,
  );
}

/** As `Promise.all` over the values, a few at a time. */
async function mapped<A, B>(values: readonly A[], make: (value: A) => Promise<B>): Promise<B[]> {
  const made: B[] = new Array(values.length);
  let next = 0;
  const runner = async () => {
    for (let at = next++; at < values.length; at = next++) made[at] = await make(values[at] as A);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, values.length) }, runner));
  return made;
}
