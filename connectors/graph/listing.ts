import type { ListEvent, Listing, ListScope, Position } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import type { Answer, GraphClient, Question } from './client.ts';
import { DELTA_PAGE, type DriveItem, isFolder, itemOf, readAs, SELECTED } from './drive-item.ts';
import type { Folders } from './folders.ts';
import { isWithin, pathAddress } from './names.ts';
import { type Drive, expectFolder, locationOf } from './places.ts';
import { markOf, parsePosition, positionOf } from './position.ts';

export interface Enumerated {
  readonly client: GraphClient;
  /** The drives, found when the listing begins. */
  readonly drives: (signal: AbortSignal) => Promise<readonly Drive[]>;
  /** What is known of the folders of a drive; `anew` at the start of its listing. */
  readonly folders: (drive: Drive, anew: boolean) => Folders;
  readonly pageSize: number | undefined;
}

/** A listing begins a drive anew so often in all: the address of a page lives for days, so more often is no accident. */
const MOST_RESTARTS = 5;

/** What is left of a page. */
interface Page {
  readonly drive: Drive;
  readonly folders: Folders;
  readonly items: readonly DriveItem[];
  /** The page behind it; undefined at the end of the drive. */
  readonly next: string | undefined;
}

/**
 * Lists drives by their delta, which alone sees everything while others write. Its order is the drive's own. It is asked for from
 * the root: SharePoint knows no other.
 */
export class DeltaListing implements Listing {
  readonly #of: Enumerated;
  readonly #scope: ListScope;
  #drive: number;
  #link: string | undefined;
  #dealt: Set<string>;
  #outside: number;
  #page: Page | undefined;
  /** Index of the next item of the page in hand. */
  #at = 0;
  #requests = 0;
  #restarts: number;

  constructor(of: Enumerated, scope: ListScope, from: Position | undefined) {
    this.#of = of;
    this.#scope = scope;
    const reached = parsePosition(from);
    this.#drive = reached.drive;
    this.#link = reached.link;
    this.#dealt = new Set(reached.dealt);
    this.#outside = reached.outside;
    this.#restarts = reached.restarts;
  }

  position(): Position {
    const reached = { drive: this.#drive, link: this.#link, dealt: this.#dealt, outside: this.#outside };
    return positionOf({ ...reached, restarts: this.#restarts });
  }

  repeats(): boolean {
    return this.#restarts > 0;
  }

  requests(): number {
    return this.#requests;
  }

  async next(signal: AbortSignal): Promise<ListEvent | undefined> {
    return (await this.nextBatch(1, signal))[0];
  }

  async nextBatch(max: number, signal: AbortSignal): Promise<ListEvent[]> {
    signal.throwIfAborted();
    const events: ListEvent[] = [];
    while (events.length < max) {
      const page = this.#page ?? (await this.#ask(signal));
      if (page === undefined) return this.#told(events, true);
      const item = page.items[this.#at];
      if (item === undefined) {
        this.#turn(page);
        // A page without an event still shows that the listing moves on.
        if (events.length > 0 || page.next !== undefined) return this.#told(events, false);
        continue;
      }
      let event: ListEvent | undefined;
      try {
        event = await this.#eventOf(item, page, signal);
      } catch (error) {
        // The position is behind the events in hand: they are given first, and the failure comes with the next call.
        if (events.length > 0) return events;
        throw error;
      }
      this.#at += 1;
      this.#dealt.add(markOf(item.id));
      if (event) events.push(event);
    }
    return events;
  }

  async close(): Promise<void> {
    this.#page = undefined;
  }

  /** Events, with what was met outside behind them where there is room for it, or nothing else to tell. */
  #told(events: ListEvent[], end: boolean): ListEvent[] {
    if (events.length > 0 || (end && this.#outside === 0)) return events;
    const count = this.#outside;
    this.#outside = 0;
    return [{ kind: 'outside', count }];
  }

  /** Goes on to the page behind this one. */
  #turn(page: Page): void {
    this.#page = undefined;
    this.#at = 0;
    this.#dealt = new Set();
    this.#link = page.next;
    if (page.next === undefined) this.#drive += 1;
  }

  async #ask(signal: AbortSignal): Promise<Page | undefined> {
    const drives = await this.#of.drives(signal);
    const drive = drives[this.#drive];
    if (drive === undefined) return undefined;
    const folders = this.#of.folders(drive, this.#link === undefined && this.#dealt.size === 0);
    const { pageSize } = this.#of;
    const query = { $select: SELECTED, ...(pageSize !== undefined && { $top: String(pageSize) }) };
    const first = { path: pathAddress(drive.id, [], 'delta'), query };
    const doing = `listing ${drive.name}`;
    this.#requests += 1;
    const question = this.#link === undefined ? first : { path: this.#link };
    const asked = await this.#answer({ ...question, doing, about: 'drive' }, signal);
    if (asked === undefined) return await this.#ask(signal);
    const page = readAs(DELTA_PAGE, asked.body, doing);
    const entries = lastOfEach(page.value);
    const renamed = entries.filter((entry) => folders.learn(entry) && !entry.package);
    const left = [...renamed, ...entries.filter(isItem)].filter(({ id }) => !this.#dealt.has(markOf(id)));
    const next = page['@odata.nextLink'];
    if (next === undefined) await this.#expectAsset(drive, signal);
    this.#at = 0;
    const behind = next === undefined ? undefined : this.#of.client.below(next);
    if (behind !== undefined && behind === this.#link) {
      throw new ConnectorError('storage_error', `${doing} does not move on: the page behind a page is the same one`);
    }
    this.#page = { drive, folders, items: left, next: behind };
    return this.#page;
  }

  /** The answer; undefined where Graph no longer knew the place: the drive is begun anew then. @throws ConnectorError */
  async #answer(question: Question, signal: AbortSignal): Promise<Answer | undefined> {
    try {
      return await this.#of.client.ask(question, signal);
    } catch (error) {
      const expired = error instanceof ConnectorError && error.code === 'listing_expired';
      if (!expired || this.#link === undefined || this.#restarts >= MOST_RESTARTS) throw error;
      this.#restarts += 1;
      this.#link = undefined;
      this.#dealt = new Set();
      return undefined;
    }
  }

  /** Without its folder the asset would end as if it were listed to its end. @throws ConnectorError `unreachable` */
  async #expectAsset(drive: Drive, signal: AbortSignal): Promise<void> {
    if (drive.folder.length === 0) return;
    this.#requests += 1;
    await expectFolder(this.#of.client, drive, signal);
  }

  async #eventOf(item: DriveItem, { drive, folders }: Page, signal: AbortSignal): Promise<ListEvent | undefined> {
    const parent = item.parentReference?.id;
    const before = folders.asked;
    const above = parent === undefined ? undefined : await folders.namesOf(parent, signal);
    this.#requests += folders.asked - before;
    // What lies in a folder that is gone is gone with it.
    if (above === undefined || item.name === undefined) return undefined;
    const names = [...above, item.name];
    if (isWithin(names, drive.quarantine)) return undefined;
    const location = locationOf(drive, names);
    if (!isItem(item)) return isWithin(names, drive.folder) ? renamedFolder(location) : undefined;
    const inside = isWithin(names, drive.folder) && this.#mayEnter(location) && this.#scope.includes(location);
    if (!inside) {
      this.#outside += 1;
      return undefined;
    }
    return { kind: 'item', item: itemOf(location, item, this.#scope) };
  }

  #mayEnter(location: string): boolean {
    for (let at = location.indexOf('/'); at >= 0; at = location.indexOf('/', at + 1)) {
      if (!this.#scope.mayEnter(location.slice(0, at + 1))) return false;
    }
    return true;
  }
}

function isItem(item: DriveItem): boolean {
  return !item.deleted && (!isFolder(item) || Boolean(item.package));
}

/** A delta brings a folder that was renamed without what is in it: that was listed, if at all, under names that are no more. */
function renamedFolder(location: string): ListEvent {
  const detail =
    'the folder was renamed or moved while the drive was listed; what lies in it may have been missed: scan it again';
  return { kind: 'gap', location: `${location}/`, class: 'folder_unreadable', detail };
}

/** Of an item that a page names more than once, the last word counts. */
function lastOfEach(items: readonly DriveItem[]): DriveItem[] {
  const last = new Map(items.map((item) => [item.id, item]));
  return [...last.values()];
}
