import type { WatchHealth, WatchLive } from '../domain/watch.ts';
import { withLive } from '../domain/watch.ts';
import { KEPT_CHANGES } from './changes.ts';
import type { RedisLink } from './redis-link.ts';
import { WATCH_LIVE_MS, type WatchStatus } from './status.ts';

/** KEYS watch, changes. ARGV startedAt, revision, health, connector. 1 = written. The later start is newer, then the higher revision. */
const PUBLISH = `
local have = redis.call('HMGET', KEYS[1], 'startedAt', 'revision')
if have[1] and (have[1] > ARGV[1] or (have[1] == ARGV[1] and tonumber(have[2]) > tonumber(ARGV[2]))) then return 0 end
redis.call('HSET', KEYS[1], 'startedAt', ARGV[1], 'revision', ARGV[2], 'health', ARGV[3])
if have[1] ~= ARGV[1] or have[2] ~= ARGV[2] then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ${KEPT_CHANGES}, '*', 'type', 'connector', 'connector', ARGV[4])
end
return 1`;

/** KEYS watch, live. */
const READ = `return {redis.call('HGET', KEYS[1], 'health') or '', redis.call('GET', KEYS[2]) or ''}`;

/** The part of the status in Redis that is about watches. */
export function redisWatch(
  link: Pick<RedisLink, 'script' | 'command'>,
  keys: {
    readonly watch: (connector: string) => string;
    readonly watchLive: (connector: string) => string;
    readonly changes: string;
  },
): WatchStatus {
  return {
    async publishWatch(health) {
      const args = [health.startedAt, String(health.revision), JSON.stringify(health), health.connector];
      return (await link.script(PUBLISH, [keys.watch(health.connector), keys.changes], args)) === 1;
    },
    async publishWatchLive(connector, live) {
      await link.command(['SET', keys.watchLive(connector), JSON.stringify(live), 'PX', String(WATCH_LIVE_MS)]);
    },
    async watch(connector) {
      const answer = await link.script(READ, [keys.watch(connector), keys.watchLive(connector)], []);
      const [health, live] = (answer as unknown[]).map(String);
      if (!health) return undefined;
      return withLive(JSON.parse(health) as WatchHealth, live ? (JSON.parse(live) as WatchLive) : undefined);
    },
    async forgetWatch(connector) {
      await link.command(['DEL', keys.watch(connector), keys.watchLive(connector)]);
    },
  };
}
