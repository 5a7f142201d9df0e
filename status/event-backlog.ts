import type { EventFigures } from '../domain/intake.ts';
import type { RedisLink } from './redis-link.ts';

/** What nobody confirms is forgotten after so long, in milliseconds: then nobody knows. */
const KEPT_MS = 10 * 60_000;

/** How many events wait for their scan, by source and shard, as their workflows told last. */
export interface EventBacklog {
  /** Never rejects. */
  tell(source: string, figures: EventFigures): Promise<void>;
  /** Undefined when nobody knows. Never rejects. */
  pending(source: string, shard: number): Promise<number | undefined>;
}

/** The figures in Redis, at `<prefix>:events:<source>:<shard>`. */
export function createEventBacklog(link: Pick<RedisLink, 'command'>, prefix = 'dsx'): EventBacklog {
  const key = (source: string, shard: number) => `${prefix}:events:${source}:${shard}`;
  return {
    async tell(source, figures) {
      const words = ['SET', key(source, figures.shard), String(figures.pending), 'PX', String(KEPT_MS)];
      await link.command(words).catch(() => undefined);
    },
    async pending(source, shard) {
      const found = await link.command(['GET', key(source, shard)]).catch(() => null);
      return found === null || found === undefined ? undefined : Number(found);
    },
  };
}
