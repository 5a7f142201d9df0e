import type { OutcomeRow } from '../domain/outcome.ts';
import { type Change, type ChangeLog, FIRST_PLACE, KEPT_CHANGES } from './changes.ts';
import type { RedisLink } from './redis-link.ts';

/**
 * KEYS changes. ARGV place, limit, first place. Whether the place is known, then the changes behind it. The first place is known while nothing
 * was dropped.
 */
const READ = `
local kept
if ARGV[1] == ARGV[3] then kept = redis.call('XLEN', KEYS[1]) < ${KEPT_CHANGES}
else kept = #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) > 0 end
return {kept and 1 or 0, redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])}`;

/** The part of the status in Redis that tells what changed: a stream, written by the scripts that write the rest. */
export function redisChanges(link: Pick<RedisLink, 'script' | 'command'>, key: string): ChangeLog {
  return {
    async changePlace() {
      const found = (await link.command(['XREVRANGE', key, '+', '-', 'COUNT', '1'])) as [string, string[]][];
      return found[0]?.[0] ?? FIRST_PLACE;
    },
    async changes(after, limit) {
      const [kept, found] = (await link.script(READ, [key], [after, String(limit), FIRST_PLACE])) as [
        number,
        [string, string[]][],
      ];
      return { kept: kept === 1, changes: found.map(([id, fields]) => changeOf(id, fields)) };
    },
  };
}

function changeOf(id: string, fields: readonly string[]): Change {
  const [type = '', of = '', row] = fields.filter((_, at) => at % 2 === 1);
  if (type === 'connector') return { id, type, connector: of };
  if (row !== undefined) return { id, type: 'finding', job: of, row: JSON.parse(row) as OutcomeRow };
  return { id, type: 'job', job: of };
}
