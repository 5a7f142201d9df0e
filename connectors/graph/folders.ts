import { ConnectorError } from '../errors.ts';
import type { GraphClient } from './client.ts';
import { type DriveItem, isFolder } from './drive-item.ts';
import { isWithin } from './names.ts';
import { type Drive, itemWithId } from './places.ts';

/** Folders kept in memory, some 200 bytes each. Those that are forgotten are asked for again. */
const MOST = 50_000;
/** SharePoint takes paths of 400 characters: what is deeper than this goes in a circle. */
const DEEPEST = 400;

interface Folder {
  readonly name: string;
  /** Id of the folder that it lies in; undefined for the root. */
  readonly parent: string | undefined;
}

/**
 * Names of folders by their ids. A delta names the folder of an item by its id alone: a folder that is renamed brings none of
 * its items anew.
 */
export class Folders {
  readonly #client: GraphClient;
  readonly #drive: Drive;
  readonly #known = new Map<string, Folder>();
  /** Questions asked so far. */
  asked = 0;

  constructor(client: GraphClient, drive: Drive) {
    this.#client = client;
    this.#drive = drive;
  }

  /** Takes notice of what a delta says of a folder. True when it was known by another name, or in another folder. */
  learn(found: DriveItem): boolean {
    const before = this.#known.get(found.id);
    this.#known.delete(found.id);
    if (found.deleted || !isFolder(found)) return false;
    const now = this.#keep(found);
    return before !== undefined && (before.name !== now.name || before.parent !== now.parent);
  }

  /** Names from the root to this folder as far as nothing need be asked; undefined where something must be. */
  known(id: string): string[] | undefined {
    const names: string[] = [];
    for (const at of this.above(id)) {
      const { name, parent } = this.#known.get(at) as Folder;
      if (parent === undefined) return names.reverse();
      names.push(name);
    }
    return undefined;
  }

  /** This folder and those above it, innermost first, as far as they are known. */
  above(id: string): string[] {
    const ids: string[] = [];
    for (let at: string | undefined = id; at !== undefined && ids.length <= DEEPEST; ) {
      const folder: Folder | undefined = this.#known.get(at);
      if (folder === undefined) break;
      ids.push(at);
      at = folder.parent;
    }
    return ids;
  }

  #keep({ id, name = '', root, parentReference }: DriveItem): Folder {
    const folder = { name, parent: root ? undefined : parentReference?.id };
    this.#known.set(id, folder);
    if (this.#known.size > MOST) this.#known.delete(this.#known.keys().next().value as string);
    return folder;
  }

  /** Names from the root to this folder; undefined when it, or one above it, is gone. @throws ConnectorError */
  async namesOf(id: string, signal: AbortSignal): Promise<string[] | undefined> {
    const names: string[] = [];
    for (let at: string | undefined = id; at !== undefined; ) {
      const folder: Folder | undefined = this.#known.get(at) ?? (await this.#ask(at, signal));
      if (folder === undefined) return undefined;
      if (folder.parent !== undefined) names.push(folder.name);
      if (names.length > DEEPEST) throw new ConnectorError('storage_error', `the folders above ${id} have no end`);
      at = folder.parent;
    }
    return names.reverse();
  }

  async #ask(id: string, signal: AbortSignal): Promise<Folder | undefined> {
    this.asked += 1;
    const found = await itemWithId(this.#client, this.#drive, id, signal);
    return found && this.#keep(found);
  }
}

/** Whether an item that was found by its id lies in the asset, and not in quarantine. @throws ConnectorError */
export async function isInAsset(
  client: GraphClient,
  drive: Drive,
  { parentReference }: DriveItem,
  signal: AbortSignal,
): Promise<boolean> {
  const parent = parentReference?.id;
  const above = parent === undefined ? undefined : await new Folders(client, drive).namesOf(parent, signal);
  return above !== undefined && isWithin(above, drive.folder) && !isWithin(above, drive.quarantine);
}
