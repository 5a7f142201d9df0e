/** Events and places that are remembered: of older ones a repeat is scanned once more. */
export const WINDOW = 8_192;

/** What the book remembers of events that came: their keys, and of each place the newest order. Both are bounded, oldest out first. */
export class EventWindow {
  readonly #keys: Set<string>;
  readonly #places: Map<string, string>;

  constructor(keys: readonly string[] = [], places: readonly (readonly [place: string, order: string])[] = []) {
    this.#keys = new Set(keys);
    this.#places = new Map(places);
  }

  /** Remembers an event. True when it came before. */
  repeats(key: string): boolean {
    if (this.#keys.has(key)) return true;
    this.#keys.add(key);
    if (this.#keys.size > WINDOW) for (const oldest of this.#keys) return !this.#keys.delete(oldest);
    return false;
  }

  /** Whether a newer event of the place came before. If not, this one is the newest from now on. Without an order the later is the newer. */
  isOvertaken(place: string, order: string | undefined): boolean {
    if (order === undefined) return false;
    const newest = this.#places.get(place);
    if (newest !== undefined && order < newest) return true;
    this.#places.delete(place);
    this.#places.set(place, order);
    if (this.#places.size > WINDOW) for (const oldest of this.#places.keys()) return !this.#places.delete(oldest);
    return false;
  }

  forget(): void {
    this.#keys.clear();
    this.#places.clear();
  }

  keys(): string[] {
    return [...this.#keys];
  }

  places(): [place: string, order: string][] {
    return [...this.#places];
  }
}
