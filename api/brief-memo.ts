/** Answers that everybody who asks within a moment shares. */
export interface BriefMemo<T> {
  /** What is known under the key, or is being found out; else what `make` finds. A failure is shared by those who wait for it, and then forgotten. */
  get(key: string, make: () => Promise<T>): Promise<T>;
  /** Whatever is known or being found out is not told any more. */
  clear(): void;
}

/**
 * @param ms how long an answer counts, from the moment it was asked for
 * @param most keys that are kept
 */
export function createBriefMemo<T>(ms: number, most: number): BriefMemo<T> {
  const known = new Map<string, { readonly until: number; readonly answer: Promise<T> }>();
  return {
    get(key, make) {
      const now = performance.now();
      const there = known.get(key);
      if (there !== undefined && there.until > now) return there.answer;
      known.delete(key);
      const answer = make();
      const entry = { until: now + ms, answer };
      known.set(key, entry);
      answer.catch(() => {
        if (known.get(key) === entry) known.delete(key);
      });
      // The oldest come first: all live equally long.
      for (const [old, { until }] of known) {
        if (until > now && known.size <= most) break;
        known.delete(old);
      }
      return answer;
    },
    clear: () => known.clear(),
  };
}
