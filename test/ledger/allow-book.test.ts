import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAllowedBytes } from '../../activities/allowed.ts';
import { type Ledger, openLedger, openLedgerStore } from '../../ledger/ledger.ts';
import type { ObjectStore } from '../../ledger/store.ts';
import { createMemoryStore } from './memory-store.ts';

const hash = (digit: string): string => digit.repeat(64);
const by = { by: 'ann', reason: 'a tool of ours' };
let store: ObjectStore;
let ledger: Ledger;
beforeEach(async () => {
  store = createMemoryStore();
  ledger = await openLedgerStore(store);
});

describe('what is allowed by hash', () => {
  it('is told by the newest entry, and every entry is kept', async () => {
    expect(await ledger.allowed.newest(hash('a'))).toBeUndefined();
    const first = await ledger.allowed.append({ sha256: hash('a'), allowed: true, ...by });
    const second = await ledger.allowed.append({ sha256: hash('a'), allowed: false, by: 'bob', reason: 'no longer' });
    expect(second.at > first.at).toBe(true);
    expect(await ledger.allowed.newest(hash('a'))).toEqual(second);
    const third = await ledger.allowed.append({ sha256: hash('a'), allowed: true, ...by });
    expect(await ledger.allowed.newest(hash('a'))).toEqual(third);
    let count = 0;
    for await (const _ of store.list(`_allowed/${hash('a')}/`)) count += 1;
    expect(count).toBe(3);
  });

  it('rises in time, also where a clock goes back', async () => {
    vi.useFakeTimers({ now: Date.parse('2026-11-23T09:00:00Z'), toFake: ['Date'] });
    try {
      await ledger.allowed.append({ sha256: hash('a'), allowed: true, ...by });
      vi.setSystemTime(Date.parse('2026-11-22T00:00:00Z'));
      await ledger.allowed.append({ sha256: hash('a'), allowed: false, ...by });
      expect(await ledger.allowed.newest(hash('a'))).toMatchObject({ allowed: false, at: '2026-11-23T09:00:00.001Z' });
    } finally {
      vi.useRealTimers();
    }
  });

  it('is listed by hash, in pages', async () => {
    for (const digit of 'cab') await ledger.allowed.append({ sha256: hash(digit), allowed: true, ...by });
    const first = await ledger.allowed.page({ limit: 2 });
    expect(first.entries.map(({ sha256 }) => sha256)).toEqual([hash('a'), hash('b')]);
    const second = await ledger.allowed.page({ limit: 2, after: first.next as string });
    expect(second.entries.map(({ sha256 }) => sha256)).toEqual([hash('c')]);
    expect(second.next).toBeUndefined();
  });

  it('is no job, and takes no other hash and no empty reason', async () => {
    await ledger.allowed.append({ sha256: hash('a'), allowed: true, ...by });
    expect(await ledger.starts()).toEqual([]);
    for await (const folder of ledger.folders()) expect(folder).toBe('none');
    for (const sha256 of ['', '../x', hash('A'), hash('a').slice(1)]) {
      await expect(ledger.allowed.newest(sha256)).rejects.toMatchObject({ code: 'invalid' });
    }
    await expect(
      ledger.allowed.append({ sha256: hash('a'), allowed: true, by: 'x', reason: '' }),
    ).rejects.toMatchObject({
      code: 'invalid',
    });
  });
});

describe('a worker', () => {
  it('looks a hash up once in a while, hears of a revoke after that, and asks again what it could not read', async () => {
    let asked = 0;
    let broken = false;
    const book = {
      newest: async (sha256: string) => {
        asked += 1;
        if (broken) throw new Error('away');
        return await ledger.allowed.newest(sha256);
      },
    };
    const allowed = createAllowedBytes(book, 40);
    expect(await allowed(hash('a'))).toBeUndefined();
    await ledger.allowed.append({ sha256: hash('a'), allowed: true, ...by });
    while ((await allowed(hash('a'))) === undefined);
    expect(asked).toBe(2);
    await ledger.allowed.append({ sha256: hash('a'), allowed: false, ...by });
    while ((await allowed(hash('a'))) !== undefined);
    expect(asked).toBe(3);
    broken = true;
    await expect(allowed(hash('b'))).rejects.toThrow('away');
    await expect(allowed(hash('b'))).rejects.toThrow('away');
    broken = false;
    expect(await allowed(hash('b'))).toBeUndefined();
  });

  it('allows nothing by an entry that is damaged', async () => {
    await store.put(`_allowed/${hash('a')}/20261123T090000000Z.00.json`, Buffer.from('{}'));
    expect(await createAllowedBytes(ledger.allowed)(hash('a'))).toBeUndefined();
    await expect(ledger.allowed.newest(hash('a'))).rejects.toMatchObject({ code: 'corrupt' });
  });
});

describe('on a disk', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dsx-allowed-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('another process sees what one wrote', async () => {
    const [one, other] = [await openLedger(join(folder, 'ledger')), await openLedger(join(folder, 'ledger'))];
    const entry = await one.allowed.append({ sha256: hash('d'), allowed: true, ...by });
    expect(await other.allowed.newest(hash('d'))).toEqual(entry);
    expect((await other.allowed.page({ limit: 10 })).entries).toEqual([entry]);
  });
});
