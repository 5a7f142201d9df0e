import { createHash } from 'node:crypto';
import { StatusUnavailable } from '../status/errors.ts';
import { openRedisLink, type RedisLinkOptions } from '../status/redis-link.ts';
import { createLocalDeliveries, type DeliveryMemory, HELD_MS } from './delivery-memory.ts';

export type RedisDeliveriesOptions = Partial<RedisLinkOptions> & {
  /** First word of every key; default `dsx`. */
  readonly prefix?: string;
};

const HELD = 'held';
const TAKEN = 'taken';

/**
 * The memory that all API processes share: `dsx:delivery:<hash>`, a string with expiry. While Redis is away each process has its own.
 * @throws StatusUnavailable `status_config` for an address that can't work
 */
export async function createRedisDeliveries(
  url: string,
  options: RedisDeliveriesOptions = {},
): Promise<DeliveryMemory> {
  const link = await openRedisLink(url, {
    commandTimeoutMs: options.commandTimeoutMs ?? 1_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 1_000,
    ...(options.tls !== undefined && { tls: options.tls }),
    say: options.say ?? (() => undefined),
  });
  const local = createLocalDeliveries();
  const prefix = options.prefix ?? 'dsx';
  const keyOf = (id: string) =>
    `${prefix}:delivery:${createHash('sha256').update(id, 'utf8').digest('hex').slice(0, 40)}`;
  /** Undefined while Redis is away. */
  const asked = async (...words: readonly string[]): Promise<{ readonly answer: unknown } | undefined> => {
    try {
      return { answer: await link.command(words) };
    } catch (error) {
      if (error instanceof StatusUnavailable) return undefined;
      throw error;
    }
  };
  return {
    async begin(once) {
      if (local.has(once.id)) return local.begin(once);
      const key = keyOf(once.id);
      const set = await asked('SET', key, HELD, 'NX', 'PX', String(HELD_MS));
      if (set === undefined) return local.begin(once);
      if (set.answer !== null) return 'new';
      return (await asked('GET', key))?.answer === TAKEN ? 'taken' : 'in-hand';
    },
    async keep(once) {
      const set = await asked('SET', keyOf(once.id), TAKEN, 'PX', String(once.keepMs));
      if (set === undefined) await local.keep(once);
      else await local.forget(once);
    },
    async forget(once) {
      await local.forget(once);
      await asked('DEL', keyOf(once.id));
    },
    async close() {
      await local.close();
      await link.close();
    },
  };
}
