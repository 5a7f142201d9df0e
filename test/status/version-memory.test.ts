import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { createEventBacklog } from '../../status/event-backlog.ts';
import { openRedisLink, type RedisLink } from '../../status/redis-link.ts';
import { createVersionMemory } from '../../status/version-memory.ts';
import { startValkey, type ValkeyServer } from '../support/valkey.ts';

let server: ValkeyServer;
let link: RedisLink;
const BY = { source: 'one', scanner: 'dsxa' };

beforeAll(async () => {
  server = await startValkey();
  link = await openRedisLink(server.url, { commandTimeoutMs: 500, connectTimeoutMs: 1_000, say: () => undefined });
});
afterAll(async () => {
  await link.close();
  await server.stop();
});

function row(location: string, outcome: OutcomeRow['outcome'], version?: string): OutcomeRow {
  const judged = version === undefined ? {} : { judged: { version, size: 1 } };
  return { item: '0-0:0', location, outcome, listed: {}, at: '2026-01-01T00:00:00Z', ...judged };
}

describe('the memory of versions', () => {
  it('knows what was judged clean, in that version, by that scanner, at that source', async () => {
    const memory = createVersionMemory(link);
    await memory.judged(BY, [row('a', 'clean', 'v1'), row('b', 'malicious', 'v1'), row('c', 'failed')]);
    const items = [{ location: 'a', version: 'v1' }, { location: 'a', version: 'v2' }, { location: 'a' }];
    expect(await memory.known(BY, items)).toEqual([true, false, false]);
    // What must not stay unnoticed when it comes back is never known.
    expect(await memory.known(BY, [{ location: 'b', version: 'v1' }])).toEqual([false]);
    expect(await memory.known({ ...BY, scanner: 'other' }, items)).toEqual([false, false, false]);
    expect(await memory.known({ ...BY, source: 'two' }, items)).toEqual([false, false, false]);
    await memory.made(BY, [{ location: 'b', version: 'v2' }]);
    expect(await memory.known(BY, [{ location: 'b', version: 'v2' }])).toEqual([true]);
  });

  it('forgets within a day', async () => {
    const keys = (await link.command(['KEYS', 'dsx:version:*'])) as string[];
    for (const key of keys) {
      const left = Number(await link.command(['PTTL', key]));
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(86_400_000);
    }
    expect(keys.length).toBeGreaterThan(0);
  });

  it('knows nothing, and stops nobody, without Redis', async () => {
    const away = {
      command: () => Promise.reject(new Error('away')),
      script: () => Promise.reject(new Error('away')),
    };
    const memory = createVersionMemory(away);
    await memory.judged(BY, [row('a', 'clean', 'v1')]);
    expect(await memory.known(BY, [{ location: 'a', version: 'v1' }])).toEqual([false]);
    expect(await createEventBacklog(away).pending('one', 0)).toBeUndefined();
  });

  it('tells how many events wait, by source and shard', async () => {
    const backlog = createEventBacklog(link);
    await backlog.tell('one', { shard: 1, received: 9, pending: 7 });
    expect(await backlog.pending('one', 1)).toBe(7);
    expect(await backlog.pending('one', 0)).toBeUndefined();
  });
});
