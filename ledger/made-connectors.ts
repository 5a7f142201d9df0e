import type { ConnectorEntry } from '../domain/connector-entry.ts';
import { messageOf } from '../domain/errors.ts';
import type { ConnectorBook } from './connector-book.ts';

/** The book is read again so often, in milliseconds: what another process changed is known everywhere within it. */
const EVERY_MS = 3_000;

/** A connector that was made through the API: its state in the book, and what this process makes of it. */
export interface MadeConnector<Settings> {
  readonly entry: ConnectorEntry;
  readonly settings: Settings;
}

export interface MadeConnectorsOptions<Settings> {
  readonly book: () => Promise<Pick<ConnectorBook, 'all'>>;
  /** Undefined where this process can make nothing of it: the connector is then not there. Says why by itself. */
  readonly read: (entry: ConnectorEntry) => Settings | undefined;
  /** Told when the book can't be read, once for each time that it begins. */
  readonly say: (problem: string) => void;
  readonly everyMs?: number;
}

/** The connectors that were made through the API, as this process knows them: from its book, which it reads again and again. */
export class MadeConnectors<Settings> {
  readonly #options: MadeConnectorsOptions<Settings>;
  /** By id, those too that nothing can be made of. */
  #states: ReadonlyMap<string, State<Settings>> = new Map();
  readonly #heard: (() => void)[] = [];
  #reading: Promise<void> | undefined;
  /** The one that begins when that has ended: whoever asks meanwhile gets it. */
  #next: Promise<void> | undefined;
  /** Why the state that counts can't be read, by id. */
  #damaged: ReadonlyMap<string, string> = new Map();
  #failing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MadeConnectorsOptions<Settings>) {
    this.#options = options;
  }

  /** By their ids; the same array until something changes. */
  all: readonly MadeConnector<Settings>[] = [];

  get(id: string): MadeConnector<Settings> | undefined {
    const state = this.#states.get(id);
    return state !== undefined && isUsable(state) ? state : undefined;
  }

  /** The state of one, also when nothing can be made of it here. */
  entry(id: string): ConnectorEntry | undefined {
    return this.#states.get(id)?.entry;
  }

  /** Calls back whenever something has changed. */
  onChange(heard: () => void): void {
    this.#heard.push(heard);
  }

  /** Reads the book now, and then again and again. Never rejects: while the book can't be read, what was known stays. */
  async start(): Promise<void> {
    await this.#turn();
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => void this.#turn(), this.#options.everyMs ?? EVERY_MS);
      this.#timer.unref();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Reads the book anew. @throws LedgerError */
  async refresh(): Promise<void> {
    // Another reading may have begun before what is looked for was written. Two at once might end in the wrong order.
    this.#next ??= this.#readNext();
    await this.#next;
  }

  async #readNext(): Promise<void> {
    // Never at once: whoever asks in the same moment shares it.
    do await this.#reading?.catch(() => undefined);
    while (this.#reading !== undefined);
    this.#next = undefined;
    await this.#read();
  }

  async #turn(): Promise<void> {
    try {
      await (this.#reading ?? this.#read());
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#options.say(`the connectors made through the API can't be read: ${messageOf(error)}`);
      this.#failing = true;
    }
  }

  #made(entry: ConnectorEntry): State<Settings> {
    try {
      return { entry, settings: this.#options.read(entry) };
    } catch (error) {
      // One that is odd takes no other with it.
      this.#options.say(`the connector ${entry.id} that was made through the API can't be used: ${messageOf(error)}`);
      return { entry, settings: undefined };
    }
  }

  #read(): Promise<void> {
    const reading = this.#readNow().finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    this.#reading = reading;
    return reading;
  }

  async #readNow(): Promise<void> {
    const before = this.#states;
    const states = new Map<string, State<Settings>>();
    const damaged = new Map<string, string>();
    const book = await this.#options.book();
    const entries = await book.all((id, error) => damaged.set(id, messageOf(error)));
    for (const entry of entries.filter(({ deleted }) => !deleted)) {
      const known = before.get(entry.id);
      states.set(entry.id, known !== undefined && isSame(known.entry, entry) ? known : this.#made(entry));
    }
    // It stays as it was known: what is scanned and watched is not to stop for one object that can't be read.
    for (const [id, why] of damaged) {
      const known = before.get(id);
      if (known !== undefined) states.set(id, known);
      if (this.#damaged.get(id) !== why) this.#options.say(`the connector ${id} that was made through the API: ${why}`);
    }
    this.#damaged = damaged;
    const changed = states.size !== before.size || [...states].some(([id, state]) => before.get(id) !== state);
    if (!changed) return;
    this.#states = states;
    this.all = [...states.values()].filter(isUsable).sort((a, b) => (a.entry.id < b.entry.id ? -1 : 1));
    for (const heard of this.#heard) heard();
  }
}

/** Of two that were written under one revision by accident, every process has to take the same one. */
function isSame(one: ConnectorEntry, other: ConnectorEntry): boolean {
  return one.revision === other.revision && one.at === other.at && one.by === other.by;
}

interface State<Settings> {
  readonly entry: ConnectorEntry;
  readonly settings: Settings | undefined;
}

function isUsable<Settings>(state: State<Settings>): state is MadeConnector<Settings> {
  return state.settings !== undefined;
}
