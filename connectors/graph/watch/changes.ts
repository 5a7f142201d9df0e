import type { GraphClient } from '../client.ts';
import { DELTA_PAGE, type DriveItem, isFolder, readAs, SELECTED } from '../drive-item.ts';
import { Folders } from '../folders.ts';
import { isWithin, itemAddress, pathAddress } from '../names.ts';
import { type Drive, itemWithId } from '../places.ts';
import type { DriveCursor } from './cursor.ts';

/** A file that is in the asset, with its cTag. */
export interface Changed {
  readonly names: readonly string[];
  readonly item: DriveItem & { readonly cTag: string };
}

/** What one step gave, and where the next one goes on. */
export interface Step {
  readonly files: readonly Changed[];
  readonly next: DriveCursor;
}

/** Folders of which a round is not sure yet, at most; those beyond are listed. */
const MOST_MAYBE = 1_000;
/** Items asked for at once. */
const AT_ONCE = 4;

/**
 * The changes of one drive. A delta brings a folder that was moved without what is in it, and it brings folders, too, for no other
 * reason than that something in them changed. So a folder is listed that was known to lie outside the asset; and one that was not
 * known, if nothing else of the round lies in it.
 */
export class Changes {
  readonly drive: Drive;
  readonly #client: GraphClient;
  readonly #top: Readonly<Record<string, string>>;
  readonly #folders: Folders;
  /** Folders with changes in them, at any depth, of this round. */
  #touched = new Set<string>();
  /** Items of the page in hand that were asked for: what was asked before a failure is not asked again. */
  #asked = new Map<string, DriveItem | undefined>();
  /** Folders of the page in hand that came from outside, and that may have: once learnt they are known, also when the step fails then. */
  #came = new Set<string>();
  #maybe = new Set<string>();

  constructor(client: GraphClient, drive: Drive, pageSize: number | undefined) {
    this.#client = client;
    this.drive = drive;
    this.#top = pageSize === undefined ? {} : { $top: String(pageSize) };
    this.#folders = new Folders(client, drive);
  }

  /** From now on. @throws ConnectorError */
  async latest(signal: AbortSignal): Promise<DriveCursor> {
    const query = { token: 'latest', $select: SELECTED, ...this.#top };
    const page = await this.#page({ path: pathAddress(this.drive.id, [], 'delta'), query }, signal);
    const link = page['@odata.deltaLink'] ?? page['@odata.nextLink'] ?? '';
    return { link: this.#client.below(link), within: false, maybe: [], folders: [] };
  }

  /** One request for changes, or for what is in a folder. @throws ConnectorError; nothing is lost: the same step can be made again */
  async step(at: DriveCursor, signal: AbortSignal): Promise<Step> {
    const step = at.folders.length > 0 ? await this.#list(at, signal) : await this.#read(at, signal);
    for (const held of [this.#asked, this.#came, this.#maybe]) held.clear();
    return step;
  }

  async #read(at: DriveCursor, signal: AbortSignal): Promise<Step> {
    const page = await this.#page({ path: at.link }, signal);
    const entries = [...new Map(page.value.map((item) => [item.id, item])).values()];
    for (const entry of entries) {
      if (!isFolder(entry) || entry.package || entry.root || entry.deleted) continue;
      const before = this.#folders.known(entry.id);
      if (before === undefined && this.drive.folder.length > 0) this.#maybe.add(entry.id);
      if (before !== undefined && !this.#holds(before)) this.#came.add(entry.id);
    }
    for (const entry of entries) this.#folders.learn(entry);
    for (const { parentReference } of entries) await this.#touch(parentReference?.id, signal);
    const files = await this.#filesOf(entries, signal);

    const next = page['@odata.nextLink'];
    const maybe = new Set([...at.maybe, ...this.#maybe]);
    const sure = next === undefined || maybe.size > MOST_MAYBE;
    const alone = sure ? [...maybe].filter((id) => !this.#touched.has(id)) : [];
    const folders: { id: string }[] = [];
    for (const id of new Set([...this.#came, ...alone])) {
      const names = await this.#folders.namesOf(id, signal);
      if (names !== undefined && this.#holds(names)) folders.push({ id });
    }
    if (next === undefined) this.#touched = new Set();
    const link = this.#client.below(next ?? page['@odata.deltaLink'] ?? '');
    return { files, next: { link, within: next !== undefined, maybe: sure ? [] : [...maybe], folders } };
  }

  async #list(at: DriveCursor, signal: AbortSignal): Promise<Step> {
    const [folder, ...rest] = at.folders as [DriveCursor['folders'][number]];
    const query = { $select: SELECTED, ...this.#top };
    const path = itemAddress(this.drive.id, folder.id, 'children');
    const question = folder.link === undefined ? { path, query } : { path: folder.link };
    const page = await this.#page({ ...question, accept: [404] }, signal);
    for (const entry of page.value) this.#folders.learn(entry);
    const below = page.value.filter((entry) => isFolder(entry) && !entry.package);
    const more = page['@odata.nextLink'];
    const left = more === undefined ? [] : [{ id: folder.id, link: this.#client.below(more) }];
    const folders = [...left, ...below.map(({ id }) => ({ id })), ...rest];
    return { files: await this.#filesOf(page.value, signal), next: { ...at, folders } };
  }

  /** The files among these that lie in the asset. A delta leaves out the cTag: then each file is asked for. */
  async #filesOf(items: readonly DriveItem[], signal: AbortSignal): Promise<Changed[]> {
    const files: Changed[] = [];
    const left = items.filter((item) => item.file && !item.deleted && !item.package && !item.remoteItem);
    for (let start = 0; start < left.length; start += AT_ONCE) {
      const some = left.slice(start, start + AT_ONCE);
      files.push(...(await Promise.all(some.map((item) => this.#fileOf(item, signal)))).flat());
    }
    return files;
  }

  async #fileOf(item: DriveItem, signal: AbortSignal): Promise<Changed[]> {
    if ((await this.#namesOf(item, signal)) === undefined) return [];
    const whole = item.cTag === undefined ? await this.#ask(item.id, signal) : item;
    const names = whole && (await this.#namesOf(whole, signal));
    if (names === undefined || whole?.cTag === undefined) return [];
    return [{ names, item: { ...whole, cTag: whole.cTag } }];
  }

  /** Names from the root of the drive; undefined for what lies outside the asset, or is gone. */
  async #namesOf({ name, parentReference }: DriveItem, signal: AbortSignal): Promise<string[] | undefined> {
    const parent = parentReference?.id;
    const above = parent === undefined ? undefined : await this.#folders.namesOf(parent, signal);
    if (above === undefined || name === undefined) return undefined;
    const names = [...above, name];
    return this.#holds(names) && names.length > this.drive.folder.length ? names : undefined;
  }

  async #ask(id: string, signal: AbortSignal): Promise<DriveItem | undefined> {
    if (!this.#asked.has(id)) this.#asked.set(id, await itemWithId(this.#client, this.drive, id, signal));
    return this.#asked.get(id);
  }

  async #touch(parent: string | undefined, signal: AbortSignal): Promise<void> {
    if (parent === undefined || this.drive.folder.length === 0 || this.#touched.has(parent)) return;
    await this.#folders.namesOf(parent, signal);
    for (const id of this.#folders.above(parent)) this.#touched.add(id);
  }

  #holds(names: readonly string[]): boolean {
    return isWithin(names, this.drive.folder) && !isWithin(names, this.drive.quarantine);
  }

  async #page(
    question: { path: string; query?: Readonly<Record<string, string>>; accept?: number[] },
    signal: AbortSignal,
  ) {
    const doing = `asking ${this.drive.name} for changes`;
    const { status, body } = await this.#client.ask({ ...question, doing, about: 'drive' }, signal);
    // A folder that is gone has nothing in it.
    return status === 404 ? { value: [] as DriveItem[] } : readAs(DELTA_PAGE, body, doing);
  }
}
