import { connectorConformance, type Store } from './conformance.ts';
import { createMemory, createMemoryConnector, keyOf, putThing } from './memory-connector.ts';

async function make(): Promise<Store> {
  const memory = createMemory();
  const put = async (location: Buffer, bytes: Uint8Array) => putThing(memory, location, bytes);
  return {
    connector: createMemoryConnector({ memory }),
    put,
    overwrite: put,
    async remove(location) {
      memory.things.delete(keyOf(location));
    },
    async contents() {
      const pairs = [...memory.things].map(([key, thing]) => [key, thing.bytes] as const);
      return new Map(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
    },
    async quarantined(destination) {
      return memory.quarantine.get(destination)?.bytes;
    },
    async occupy(destination, bytes) {
      memory.quarantine.set(destination, { bytes: Buffer.from(bytes) });
    },
    dying(change) {
      let left = change;
      const dead = Promise.withResolvers<void>();
      const beforeStep = async () => {
        if (left-- > 0) return;
        dead.resolve();
        await new Promise(() => {});
      };
      return { connector: createMemoryConnector({ memory, beforeStep }), died: dead.promise };
    },
    async close() {},
  };
}

connectorConformance({ name: 'memory', make, anyBytes: true });
