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
    // Another reading may have begun before what is looked for was written.
    await this.#reading?.catch(() => undefined);
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

  #read(): Promise<void> {
    const reading = this.#readNow().finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    this.#reading = reading;
    return reading;
  }

  async #readNow(): Promise<void> {
    const entries = (await (await this.#options.book()).all()).filter(({ deleted }) => !deleted);
    const before = this.#states;
    const states = new Map<string, State<Settings>>();
    for (const entry of entries) {
      const known = before.get(entry.id);
      const same = known?.entry.revision === entry.revision;
      states.set(entry.id, same ? known : { entry, settings: this.#options.read(entry) });
    }
    const changed = states.size !== before.size || [...states].some(([id, state]) => before.get(id) !== state);
    if (!changed) return;
    this.#states = states;
    this.all = [...states.values()].filter(isUsable).sort((a, b) => (a.entry.id < b.entry.id ? -1 : 1));
    for (const heard of this.#heard) heard();
  }
}

interface State<Settings> {
  readonly entry: ConnectorEntry;
  readonly settings: Settings | undefined;
}

function isUsable<Settings>(state: State<Settings>): state is MadeConnector<Settings> {
  return state.settings !== undefined;
}
