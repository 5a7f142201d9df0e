import { createHash } from 'node:crypto';
import type {
  ActionReport,
  AssetPage,
  Capabilities,
  CheckReport,
  Connector,
  ListEvent,
  Listing,
  ListScope,
  OpenItem,
  Position,
} from '../../connectors/connector.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import type { ActionIntent, ActionRow } from '../../domain/action.ts';
import { type Item, type ItemRef, locationBytes } from '../../domain/item.ts';

interface Thing {
  readonly bytes: Buffer;
  readonly version: string;
  readonly modified: string;
}

interface Kept {
  readonly bytes: Buffer;
  /** The finding that moved it here; absent on what somebody else put. */
  readonly finding?: string;
}

/** What a memory connector works on: shared by those that are to see the same store. Keys are latin1 bytes of locations. */
export interface Memory {
  readonly things: Map<string, Thing>;
  readonly quarantine: Map<string, Kept>;
  readonly tags: Map<string, string>;
  readonly deleted: Set<string>;
  writes: number;
}

export function createMemory(): Memory {
  return { things: new Map(), quarantine: new Map(), tags: new Map(), deleted: new Set(), writes: 0 };
}

/** Makes or replaces an item. */
export function putThing(memory: Memory, location: string | Buffer, bytes: Uint8Array): void {
  memory.writes++;
  const modified = new Date(1_700_000_000_000 + memory.writes).toISOString();
  memory.things.set(keyOf(location), { bytes: Buffer.from(bytes), version: `memory:${memory.writes}`, modified });
}

export function keyOf(location: string | Buffer): string {
  return (typeof location === 'string' ? Buffer.from(location) : location).toString('latin1');
}

export interface MemoryOptions {
  readonly id?: string;
  readonly memory?: Memory;
  /** Awaited before every change. */
  readonly beforeStep?: () => Promise<void>;
  /** Thrown instead of an answer, by call and location, for tests of what callers do about it. */
  readonly fail?: (call: 'list' | 'open' | 'read' | 'act', location: string) => ConnectorError | undefined;
}

/**
 * A connector on a map in memory: an object store in small, for tests of whatever uses connectors. It passes the conformance
 * suite.
 */
export function createMemoryConnector(options: MemoryOptions = {}): Connector & { readonly memory: Memory } {
  return new MemoryConnector(options);
}

class MemoryConnector implements Connector {
  readonly kind = 'memory';
  readonly id: string;
  readonly memory: Memory;
  readonly capabilities: Capabilities = {
    ordered: true,
    actions: ['nothing', 'delete', 'move', 'tag', 'movetag'],
    conditional: 'enforced',
    restore: true,
  };
  readonly #beforeStep: () => Promise<void>;
  readonly #fail: NonNullable<MemoryOptions['fail']>;

  constructor(options: MemoryOptions) {
    this.id = options.id ?? 'memory';
    this.memory = options.memory ?? createMemory();
    this.#beforeStep = options.beforeStep ?? (async () => {});
    this.#fail = options.fail ?? (() => undefined);
  }

  async fingerprint(): Promise<string> {
    return 'memory';
  }

  async check(): Promise<CheckReport> {
    return { ok: true, checks: [{ name: 'memory', ok: true, detail: 'always there' }] };
  }

  list(scope: ListScope, from: Position | undefined): Listing {
    return new MemoryListing(this.memory, scope, from, (location) => this.#throwIf('list', location));
  }

  async assets({ limit, after = '' }: { limit: number; after?: string }): Promise<AssetPage> {
    const tops = [...this.memory.things.keys()].map((key) => key.split('/')[0] as string);
    const names = [...new Set(tops)].filter((top) => top > after).sort((a, b) => (a < b ? -1 : 1));
    const assets = names.slice(0, limit).map((asset) => ({ asset }));
    return { assets, ...(names.length > limit && { next: assets.at(-1)?.asset ?? '' }) };
  }

  async stat(ref: ItemRef, signal: AbortSignal): Promise<Item> {
    signal.throwIfAborted();
    const key = located(ref);
    return itemOf(key, this.#thing(key));
  }

  async open(ref: ItemRef, signal: AbortSignal): Promise<OpenItem> {
    signal.throwIfAborted();
    const key = located(ref);
    this.#throwIf('open', ref.location);
    const thing = this.#thing(key);
    return new MemoryItem(thing, () => this.#throwIf('read', ref.location));
  }

  async act(intent: ActionIntent, signal: AbortSignal): Promise<ActionReport> {
    signal.throwIfAborted();
    this.#throwIf('act', intent.item.location);
    try {
      return await this.#act(intent, located(intent.item));
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
      return { state: 'failed', code: error.code === 'not_found' ? 'not_found' : 'not_supported', note: error.message };
    }
  }

  async #act(intent: ActionIntent, key: string): Promise<ActionReport> {
    const { memory } = this;
    const moves = intent.action === 'move' || intent.action === 'movetag';
    const destination = intent.destination ?? sha256(Buffer.from(intent.finding));
    if (moves && !isName(destination)) throw new ConnectorError('not_an_item', `${destination} leaves quarantine`);
    const kept = moves ? memory.quarantine.get(destination) : undefined;
    if (kept && (kept.finding !== intent.finding || sha256(kept.bytes) !== intent.provenance.sha256)) {
      return { state: 'failed', code: 'destination_taken', note: `${destination} is something else` };
    }
    const done = (code: 'applied' | 'already_applied'): ActionReport => ({
      state: 'done',
      code,
      ...(moves && {
        destination,
        undo: { kind: 'memory-move', destination, sha256: intent.provenance.sha256 },
      }),
    });
    const thing = memory.things.get(key);
    if (thing?.version !== intent.judged.version) {
      if (kept || memory.deleted.has(intent.finding)) {
        return { ...done('already_applied'), ...(thing && { current: itemOf(key, thing) }) };
      }
      if (!thing) return { state: 'failed', code: 'not_found', note: 'nothing is there' };
      return { state: 'refused', code: 'version_changed', note: 'another version', current: itemOf(key, thing) };
    }
    if (intent.action === 'tag') {
      if (memory.tags.get(key) === intent.finding) return done('already_applied');
      await this.#beforeStep();
      memory.tags.set(key, intent.finding);
      return done('applied');
    }
    if (moves && !kept) {
      await this.#beforeStep();
      memory.quarantine.set(destination, { bytes: thing.bytes, finding: intent.finding });
    }
    await this.#beforeStep();
    // One change, as of a store with transactions: so a deletion always leaves its evidence.
    memory.things.delete(key);
    if (intent.action === 'delete') memory.deleted.add(intent.finding);
    return done('applied');
  }

  async restore(row: ActionRow, signal: AbortSignal): Promise<ActionReport> {
    signal.throwIfAborted();
    const undo = row.undo as { kind?: unknown; destination?: unknown; sha256?: unknown } | undefined;
    if (undo?.kind !== 'memory-move' || typeof undo.destination !== 'string') {
      return { state: 'failed', code: 'not_supported', note: 'nothing to undo' };
    }
    const key = located(row);
    const kept = this.memory.quarantine.get(undo.destination);
    const there = this.memory.things.get(key);
    if (there && sha256(there.bytes) !== undo.sha256)
      return { state: 'failed', code: 'destination_taken', note: 'taken' };
    if (!there && !kept) return { state: 'failed', code: 'not_found', note: 'gone' };
    if (!there && kept) {
      await this.#beforeStep();
      putThing(this.memory, Buffer.from(key, 'latin1'), kept.bytes);
    }
    if (kept) {
      await this.#beforeStep();
      this.memory.quarantine.delete(undo.destination);
    }
    return {
      state: 'done',
      code: kept ? 'applied' : 'already_applied',
      destination: row.location,
      made: [this.#thing(key).version],
    };
  }

  async close(): Promise<void> {}

  #thing(key: string): Thing {
    const thing = this.memory.things.get(key);
    if (!thing) throw new ConnectorError('not_found', `${JSON.stringify(key)} is not there`);
    return thing;
  }

  #throwIf(call: 'list' | 'open' | 'read' | 'act', location: string): void {
    const error = this.#fail(call, location);
    if (error) throw error;
  }
}

class MemoryListing implements Listing {
  readonly #memory: Memory;
  readonly #scope: ListScope;
  readonly #check: (location: string) => void;
  #after: string;
  #outside: number;
  /** What there was behind the position when the listing began. */
  #keys: readonly string[] | undefined;
  #at = 0;

  constructor(memory: Memory, scope: ListScope, from: Position | undefined, check: (location: string) => void) {
    this.#memory = memory;
    this.#scope = scope;
    this.#check = check;
    this.#after = Buffer.from(String(from?.after ?? ''), 'base64').toString('latin1');
    this.#outside = Number(from?.outside ?? 0);
  }

  position(): Position {
    return { after: Buffer.from(this.#after, 'latin1').toString('base64'), outside: this.#outside };
  }

  requests(): number {
    return 1;
  }

  async next(signal: AbortSignal): Promise<ListEvent | undefined> {
    signal.throwIfAborted();
    this.#keys ??= [...this.#memory.things.keys()].filter((key) => key > this.#after).sort((a, b) => (a < b ? -1 : 1));
    for (let key = this.#keys[this.#at]; key !== undefined; key = this.#keys[this.#at]) {
      this.#at++;
      const thing = this.#memory.things.get(key);
      if (!thing) continue;
      const item = itemOf(key, thing);
      this.#check(item.location);
      this.#after = key;
      const folders = [...item.location.matchAll(/\//g)].map((match) => item.location.slice(0, match.index + 1));
      if (!folders.every(this.#scope.mayEnter) || !this.#scope.includes(item.location)) {
        this.#outside++;
        continue;
      }
      const large = this.#scope.maxSize !== undefined && (item.size ?? 0) > this.#scope.maxSize;
      return { kind: 'item', item: large ? { ...item, skip: 'size' } : item };
    }
    if (this.#outside === 0) return undefined;
    const count = this.#outside;
    this.#outside = 0;
    return { kind: 'outside', count };
  }

  async nextBatch(max: number, signal: AbortSignal): Promise<ListEvent[]> {
    const events: ListEvent[] = [];
    while (events.length < max) {
      const event = await this.next(signal);
      if (!event) break;
      events.push(event);
    }
    return events;
  }

  async close(): Promise<void> {}
}

/** Bytes of one version: what replaces it later changes nothing here. */
class MemoryItem implements OpenItem {
  readonly version: string;
  readonly size: number;
  readonly modified: string;
  readonly #bytes: Buffer;
  readonly #check: () => void;
  #read = 0;

  constructor(thing: Thing, check: () => void) {
    this.version = thing.version;
    this.size = thing.bytes.length;
    this.modified = thing.modified;
    this.#bytes = thing.bytes;
    this.#check = check;
  }

  async *read(signal: AbortSignal): AsyncIterable<Uint8Array> {
    while (this.#read < this.size) {
      signal.throwIfAborted();
      this.#check();
      const chunk = this.#bytes.subarray(this.#read, this.#read + 64 * 1024);
      this.#read += chunk.length;
      yield chunk;
    }
  }

  async confirm(): Promise<void> {
    if (this.#read !== this.size) throw new ConnectorError('changed', 'not read to its end');
  }

  async close(): Promise<void> {}
}

function itemOf(key: string, thing: Thing): Item {
  const bytes = Buffer.from(key, 'latin1');
  const location = bytes.toString('utf8');
  return {
    location,
    ...(!Buffer.from(location).equals(bytes) && { locationBytes: bytes.toString('base64') }),
    version: thing.version,
    size: thing.bytes.length,
    modified: thing.modified,
  };
}

function isName(text: string): boolean {
  return !text.includes('\0') && text.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function located(ref: ItemRef): string {
  const key = locationBytes(ref).toString('latin1');
  if (!isName(key)) throw new ConnectorError('not_an_item', `${JSON.stringify(ref.location)} is no location`);
  return key;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
