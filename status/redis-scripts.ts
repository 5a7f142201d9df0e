import { KEPT_CHANGES } from './changes.ts';

/**
 * The Lua behind every write and the composed reads. Only commands of Redis 7.0. Each runs as one step, so a late or repeated
 * write meets the state that is there now. They touch several keys: not for Redis Cluster (a single server, or Sentinel).
 */

/** A change that anybody may be told of: KEYS[key] is the stream of changes. */
const tell = (key: number, fields: string): string =>
  `redis.call('XADD', KEYS[${key}], 'MAXLEN', '~', ${KEPT_CHANGES}, '*', ${fields})`;

/**
 * KEYS job, jobs, workers, findings, seen, open, changes. ARGV id, revision, final (1/0), progress, ms to keep it, prefix of live keys, start in ms
 * since the epoch. 1 = written. The order of writes is: any final one is newer than any other, then the revision decides. So the newest one stays,
 * whatever order they arrive in.
 */
export const PUBLISH_JOB = `
local have = redis.call('HMGET', KEYS[1], 'revision', 'final')
if have[2] == '1' and ARGV[3] ~= '1' then return 0 end
if have[2] == ARGV[3] and tonumber(have[1]) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'final', ARGV[3], 'progress', ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[7], ARGV[1])
if have[1] ~= ARGV[2] or have[2] ~= ARGV[3] then ${tell(7, "'type', 'job', 'job', ARGV[1]")} end
if ARGV[3] ~= '1' then
  redis.call('SADD', KEYS[6], ARGV[1])
  redis.call('PERSIST', KEYS[4])
  redis.call('PERSIST', KEYS[5])
  return 1
end
for _, worker in ipairs(redis.call('SMEMBERS', KEYS[3])) do redis.call('DEL', ARGV[6] .. worker) end
redis.call('DEL', KEYS[3])
redis.call('SREM', KEYS[6], ARGV[1])
if have[2] ~= '1' then
  for _, key in ipairs({KEYS[1], KEYS[4], KEYS[5]}) do redis.call('PEXPIRE', key, ARGV[5]) end
end
return 1`;

/** KEYS job, workers, live. ARGV worker, figures, ttl ms. A job that has ended has no live figures. */
export const PUBLISH_LIVE = `
if redis.call('HGET', KEYS[1], 'final') == '1' then return 0 end
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
redis.call('SADD', KEYS[2], ARGV[1])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return 1`;

/** KEYS job, findings, seen, changes. ARGV kept, retention ms, id of the job, then item and row for each. `seen` drops what the stream dropped. */
export const PUBLISH_FINDINGS = `
local last = redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')
local score = last[2] and tonumber(last[2]) or 0
for i = 4, #ARGV, 2 do
  score = score + 1
  if redis.call('ZADD', KEYS[3], 'NX', score, ARGV[i]) == 1 then
    redis.call('XADD', KEYS[2], 'MAXLEN', '=', ARGV[1], '*', 'row', ARGV[i + 1])
    ${tell(4, "'type', 'finding', 'job', ARGV[3], 'row', ARGV[i + 1]")}
  end
end
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -(tonumber(ARGV[1]) + 1))
local left = redis.call('PTTL', KEYS[1])
local final = redis.call('HGET', KEYS[1], 'final')
for _, key in ipairs({KEYS[2], KEYS[3]}) do
  if final == '0' then redis.call('PERSIST', key)
  elseif left > 0 then redis.call('PEXPIRE', key, left)
  else redis.call('PEXPIRE', key, ARGV[2]) end
end
return 1`;

/** KEYS job, workers. ARGV prefix of live keys. Progress, then the live figures of each worker; workers that went silent are dropped. */
export const READ_JOB = `
local progress = redis.call('HGET', KEYS[1], 'progress')
if not progress then return {} end
local answer = {progress}
for _, worker in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local figures = redis.call('GET', ARGV[1] .. worker)
  if figures then answer[#answer + 1] = figures else redis.call('SREM', KEYS[2], worker) end
end
return answer`;

/**
 * KEYS jobs. ARGV start (ms) and id of the job before, `+inf` and empty at the beginning, limit, prefix of job keys. Newest start first,
 * then the greater id. Jobs whose retention is over are dropped from the index.
 */
export const READ_JOBS = `
local answer = {}
local limit = tonumber(ARGV[3])
local upper = ARGV[1]
local skip = 0
while #answer < limit do
  local ids = redis.call('ZRANGE', KEYS[1], upper, '-inf', 'BYSCORE', 'REV', 'LIMIT', skip, limit, 'WITHSCORES')
  if #ids == 0 then break end
  for i = 1, #ids, 2 do
    skip = skip + 1
    local id = ids[i]
    if ARGV[2] == '' or tonumber(ids[i + 1]) < tonumber(ARGV[1]) or id < ARGV[2] then
      local progress = redis.call('HGET', ARGV[4] .. id, 'progress')
      if not progress then
        redis.call('ZREM', KEYS[1], id)
        skip = skip - 1
      elseif #answer < limit then answer[#answer + 1] = progress end
    end
  end
end
return answer`;

/** KEYS epoch. ARGV a fresh value. The epoch that is there, or the fresh one. */
export const READ_EPOCH = `
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])`;

/** KEYS rebuild, epoch. ARGV epoch, the epoch key's value that it was read with, place, done (1/0). 0 = the store has lost its data since. */
export const NOTE_REBUILD = `
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'place', ARGV[3], 'done', ARGV[4])
return 1`;

/** KEYS lock. ARGV owner, ms. 1 = the owner has it, for so long from now. */
export const TAKE_LOCK = `
local have = redis.call('GET', KEYS[1])
if have and have ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/** KEYS lock. ARGV owner. Only the owner drops it. */
export const DROP_LOCK = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;
