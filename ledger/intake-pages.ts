import type { StorageEvent } from '../domain/event.ts';
import type { EventMark, IntakeRef } from '../domain/intake.ts';
import { LedgerError } from './errors.ts';
import { corrupt, encodeLines, unfold } from './ndjson.ts';
import type { ObjectStore } from './store.ts';

/** Outside of every job: no job has a name that begins so. */
const ROOT = '_intake/';
const SLOT = /^\d{4}-\d\d-\d\dT\d\d$/;
const FOLDER = /^([a-z0-9][a-z0-9-]{0,80})\.(\d{1,4})$/;
const PAGE = /^([0-9a-f]{16})-([1-9]\d{0,14})\.ndjson\.zst$/;

/** An event as it was written down. */
export interface IntakeLine {
  readonly event: StorageEvent;
  readonly mark: EventMark;
}

/** Whose events a page has. */
export interface IntakeOwner {
  /** Id of the source. */
  readonly source: string;
  readonly shard: number;
}

/** A page as a listing shows it. */
export interface FoundPage extends IntakeOwner {
  readonly ref: IntakeRef;
  /** ms since the epoch, by the store's clock. */
  readonly modifiedMs: number;
}

/** Events on their way to their scans. They prove nothing: what was listed of them is in the pages of their jobs. All methods raise LedgerErrors. */
export interface IntakePages {
  /** Written once: the name is its writer's alone. */
  write(owner: IntakeOwner, ref: IntakeRef, lines: readonly IntakeLine[]): Promise<void>;
  /** @throws LedgerError `not_found` (swept), `corrupt`, … */
  read(owner: IntakeOwner, ref: IntakeRef): Promise<readonly IntakeLine[]>;
  /** The hours in which something was written, oldest first. */
  slots(): Promise<readonly string[]>;
  /** The pages of an hour, in no particular order. */
  list(slot: string): AsyncIterable<FoundPage>;
  remove(page: FoundPage): Promise<void>;
  /** Removes what writes of an hour that never ended left behind. */
  tidy(slot: string, beforeMs: number): Promise<void>;
}

export function createIntakePages(store: ObjectStore): IntakePages {
  return {
    async write(owner, ref, lines) {
      await store.put(nameOf(owner, ref), await encodeLines({ format: 1, ...owner, ...ref }, lines));
    },
    async read(owner, ref) {
      const name = nameOf(owner, ref);
      const lines = await unfold(name, await store.get(name));
      const header = lines.parse(0) as Partial<IntakeOwner & IntakeRef & { format: number }> | null;
      const own = header?.format === 1 && header.source === owner.source && header.shard === owner.shard;
      if (!own || header.writer !== ref.writer || header.n !== ref.n)
        throw corrupt(name, 'its header names another page');
      return lines.values<IntakeLine>();
    },
    async slots() {
      const found: string[] = [];
      for await (const name of store.folders(ROOT)) if (SLOT.test(name)) found.push(name);
      return found.sort();
    },
    async *list(slot) {
      const prefix = `${ROOT}${checkSlot(slot)}/`;
      for await (const { name, modifiedMs } of store.list(prefix)) {
        const [folder = '', page = ''] = name.slice(prefix.length).split('/');
        const [, source, shard] = FOLDER.exec(folder) ?? [];
        const [, writer, n] = PAGE.exec(page) ?? [];
        if (source === undefined || writer === undefined) continue;
        yield { source, shard: Number(shard), ref: { slot, writer, n: Number(n) }, modifiedMs };
      }
    },
    remove: (page) => store.delete(nameOf(page, page.ref)),
    async tidy(slot, beforeMs) {
      await store.removeUnfinished(`${ROOT}${checkSlot(slot)}/`, beforeMs);
    },
  };
}

/** Ids of sources are safe names (letters, digits, hyphens), as the configuration and folder sources make them. */
function nameOf({ source, shard }: IntakeOwner, { slot, writer, n }: IntakeRef): string {
  const folder = `${source}.${shard}`;
  const page = `${writer}-${n}.ndjson.zst`;
  if (!FOLDER.test(folder) || !PAGE.test(page)) {
    throw new LedgerError(
      'invalid',
      folder,
      `${JSON.stringify(`${folder}/${page}`)} can't be the name of an intake page.`,
    );
  }
  return `${ROOT}${checkSlot(slot)}/${folder}/${page}`;
}

function checkSlot(slot: string): string {
  if (!SLOT.test(slot)) throw new LedgerError('invalid', slot, `${JSON.stringify(slot)} is no hour of intake pages.`);
  return slot;
}
