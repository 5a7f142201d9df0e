import { DeliveryError } from './delivery.ts';

/** The id of a delivery that counts once, and how it is remembered. */
export interface Once {
  readonly id: string;
  /** How long a copy of it might be sent, in milliseconds. */
  readonly keepMs: number;
  /** When no more can be remembered: `refuse` it, or `go-on`, where copies do no harm. */
  readonly whenFull: 'refuse' | 'go-on';
}

/**
 * Deliveries that were taken, so that a copy of one is told. While one is being taken it is `in-hand`: whoever sends a copy then
 * must come again, since the first may still fail.
 */
export interface DeliveryMemory {
  /** Takes hold of the id. @throws DeliveryError `over_capacity` */
  begin(once: Once): Promise<'new' | 'in-hand' | 'taken'>;
  /** It was taken. */
  keep(once: Once): Promise<void>;
  /** It was not taken: it may come again. */
  forget(once: Once): Promise<void>;
  close(): Promise<void>;
}

/** Who held an id and died lets go of it after this time. */
export const HELD_MS = 60_000;
const MAX_IDS = 200_000;
const SWEEP_MS = 1_000;

/** The memory of one process, of at most `maxIds` ids. */
export function createLocalDeliveries(
  now: () => number = Date.now,
  maxIds = MAX_IDS,
): DeliveryMemory & { has(id: string): boolean } {
  const ids = new Map<string, { readonly taken: boolean; readonly until: number }>();
  let swept = Number.NEGATIVE_INFINITY;
  const isFull = (): boolean => {
    if (ids.size >= maxIds && now() - swept >= SWEEP_MS) {
      swept = now();
      for (const [id, { until }] of ids) if (until <= now()) ids.delete(id);
    }
    return ids.size >= maxIds;
  };
  return {
    has: (id) => (ids.get(id)?.until ?? 0) > now(),
    async begin({ id, whenFull }) {
      const found = ids.get(id);
      if (found !== undefined && found.until > now()) return found.taken ? 'taken' : 'in-hand';
      ids.delete(id);
      if (!isFull()) ids.set(id, { taken: false, until: now() + HELD_MS });
      else if (whenFull === 'refuse') {
        throw new DeliveryError('over_capacity', `${maxIds} deliveries are remembered already`);
      }
      return 'new';
    },
    async keep({ id, keepMs }) {
      if (ids.has(id) || !isFull()) ids.set(id, { taken: true, until: now() + keepMs });
    },
    async forget({ id }) {
      ids.delete(id);
    },
    async close() {
      ids.clear();
    },
  };
}
