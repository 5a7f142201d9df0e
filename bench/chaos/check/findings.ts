/** Problems named of one kind; the count of all is exact. */
const KEPT = 12;

/** Collects what is wrong: every problem is counted, the first of each kind are named. */
export class Findings {
  readonly #named = new Map<string, string[]>();
  readonly #counts = new Map<string, number>();

  /** @param kind groups problems that are alike */
  add(kind: string, text: string): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const named = this.#named.get(kind) ?? [];
    this.#named.set(kind, named);
    if (named.length < KEPT) named.push(text);
  }

  equal(kind: string, what: string, got: unknown, want: unknown): void {
    if (got !== want) this.add(kind, `${what}: ${String(got)}, but it must be ${String(want)}`);
  }

  get count(): number {
    return [...this.#counts.values()].reduce((a, b) => a + b, 0);
  }

  /** One sentence each, by kind. */
  list(): string[] {
    return [...this.#named].flatMap(([kind, named]) => {
      const more = (this.#counts.get(kind) ?? 0) - named.length;
      return [...named.map((text) => `${kind}: ${text}`), ...(more > 0 ? [`${kind}: and ${more} more`] : [])];
    });
  }
}
