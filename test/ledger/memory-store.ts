import { LedgerError } from '../../ledger/errors.ts';
import { checkName, checkPrefix, type ObjectStore } from '../../ledger/store.ts';

/** A store in memory: the second implementation, so that the conformance suite says what a store is and not what a folder is. */
export function createMemoryStore(
  now: () => number = Date.now,
): ObjectStore & { readonly objects: Map<string, Buffer> } {
  const objects = new Map<string, Buffer>();
  const times = new Map<string, number>();
  return {
    objects,
    place: 'memory:',
    put(name, bytes) {
      return settle(() => {
        checkName(name);
        const before = objects.get(name);
        if (before?.equals(bytes) === false) throw new LedgerError('conflict', name, `${name} holds other content`);
        if (before !== undefined) return;
        objects.set(name, Buffer.from(bytes));
        times.set(name, now());
      });
    },
    get(name) {
      return settle(() => {
        checkName(name);
        const found = objects.get(name);
        if (found === undefined) throw new LedgerError('not_found', name, `there is no ${name}`);
        return Buffer.from(found);
      });
    },
    async *list(prefix) {
      checkPrefix(prefix);
      for (const [name, bytes] of [...objects]) {
        if (name.startsWith(prefix)) yield { name, size: bytes.length, modifiedMs: times.get(name) ?? 0 };
      }
    },
    async *folders(prefix) {
      checkPrefix(prefix);
      const found = new Set<string>();
      for (const name of objects.keys()) {
        const slash = name.indexOf('/', prefix.length);
        if (name.startsWith(prefix) && slash > 0) found.add(name.slice(prefix.length, slash));
      }
      yield* found;
    },
    delete(name) {
      return settle(() => {
        checkName(name);
        objects.delete(name);
      });
    },
    removeUnfinished: () => Promise.resolve(0),
  };
}

async function settle<Result>(run: () => Result): Promise<Result> {
  return run();
}
