/** Requests that one caller has under way at once. */
const AT_ONCE = 16;

/** What `ask` gives for each value, in their order, several at once. The first that fails ends it, and no further one is begun. */
export async function eachOf<Value, Result>(
  values: readonly Value[],
  ask: (value: Value) => Result | Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(values.length);
  let next = 0;
  let failed = false;
  const runner = async (): Promise<void> => {
    while (!failed && next < values.length) {
      const at = next++;
      try {
        results[at] = await ask(values[at] as Value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, values.length) }, runner));
  return results;
}
