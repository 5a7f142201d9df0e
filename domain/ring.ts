/** A place in a ring. */
export interface Seat {
  /** Gives it up; may be called twice. */
  leave(): void;
}

class Link<T> implements Seat {
  readonly who: T;
  before: Link<T> | undefined = this;
  behind: Link<T> | undefined = this;

  constructor(who: T) {
    this.who = who;
  }

  /** Takes the place before this one. */
  admit(link: Link<T>): void {
    link.before = this.before;
    link.behind = this;
    if (this.before !== undefined) this.before.behind = link;
    this.before = link;
  }

  leave(): void {
    const { before, behind } = this;
    if (before === undefined || behind === undefined) return;
    before.behind = behind;
    behind.before = before;
    // See Ring.
    this.before = undefined;
    this.behind = undefined;
  }
}

/**
 * Who waits for something, in the order they came: for very many who come and go. What was removed from an AbortSignal's listeners, from a
 * Set or from a Map goes on pointing at what came later. Once it is old, V8 keeps all of that, and all that hangs on it, until its next
 * full collection, which costs far more than the list itself. A seat that was left points at nothing.
 */
export class Ring<T> {
  readonly #end = new Link<T | undefined>(undefined);

  join(who: T): Seat {
    const link = new Link<T | undefined>(who);
    this.#end.admit(link);
    return link;
  }

  get isEmpty(): boolean {
    return this.#end.behind === this.#end;
  }

  /** The first, whose place is given up; undefined when there is none. */
  take(): T | undefined {
    const first = this.#end.behind;
    if (first === undefined || first === this.#end) return undefined;
    first.leave();
    return first.who;
  }

  /** All of them, in order. */
  all(): T[] {
    const all: T[] = [];
    for (let link = this.#end.behind; link !== undefined && link !== this.#end; link = link.behind) {
      all.push(link.who as T);
    }
    return all;
  }
}
