import { chmod, mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromSystemError, LEDGER_CODES, LedgerError } from '../../ledger/errors.ts';
import { openDirectoryStore } from '../../ledger/stores/directory-store.ts';
import { refused, storeConformance } from './store-conformance.ts';

let base: string;
let fresh = 0;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dsx-store-'));
  await chmod(base, 0o755);
});
afterAll(() => rm(base, { recursive: true, force: true }));

async function folder(): Promise<string> {
  const path = join(base, `f${fresh++}`);
  await mkdir(path);
  return path;
}

storeConformance('a directory', async () => {
  return { store: await openDirectoryStore(await folder()), close: () => Promise.resolve() };
});

describe('a directory as a store', () => {
  test('is not made when it is not there, and must be a folder', async () => {
    await refused(openDirectoryStore(join(base, 'absent')), 'not_found');
    await writeFile(join(base, 'file'), '');
    await refused(openDirectoryStore(join(base, 'file')), 'invalid');
  });

  test('notices that another folder lies at its path, as when a mount went missing', async () => {
    const path = await folder();
    const store = await openDirectoryStore(path);
    await store.put('job/pages/1', Buffer.from('1'));
    await rename(path, `${path}-moved`);
    await refused(store.put('job/pages/2', Buffer.from('2')), 'not_there');
    await mkdir(path);
    await refused(store.put('job/pages/2', Buffer.from('2')), 'not_there');
    expect(await readdir(path)).toEqual([]);
    await rm(path, { recursive: true });
    await rename(`${path}-moved`, path);
    await store.put('job/pages/2', Buffer.from('2'));
    expect((await store.get('job/pages/2')).toString()).toBe('2');
  });

  test('makes a folder again that was removed while it was in use', async () => {
    const path = await folder();
    const store = await openDirectoryStore(path);
    await store.put('job/parts/1', Buffer.from('1'));
    await rm(join(path, 'job'), { recursive: true });
    await store.put('job/parts/2', Buffer.from('2'));
    expect((await store.get('job/parts/2')).toString()).toBe('2');
  });

  test('hides temporary files of writes that never ended, and removes them once they are old', async () => {
    const path = await folder();
    const store = await openDirectoryStore(path);
    await store.put('job/pages/1', Buffer.from('1'));
    for (const name of ['.tmp-old', '.tmp-new']) await writeFile(join(path, 'job/pages', name), 'half');
    await utimes(join(path, 'job/pages/.tmp-old'), 1_000, 1_000);
    const found = [];
    for await (const { name } of store.list('')) found.push(name);
    expect(found).toEqual(['job/pages/1']);
    expect(await store.removeUnfinished('job/', 2_000_000)).toBe(1);
    expect((await readdir(join(path, 'job/pages'))).sort()).toEqual(['.tmp-new', '1']);
  });

  test('leaves no temporary file behind, whether a write succeeds or is refused', async () => {
    const path = await folder();
    const store = await openDirectoryStore(path);
    await store.put('a', Buffer.from('1'));
    await store.put('a', Buffer.from('1'));
    await refused(store.put('a', Buffer.from('2')), 'conflict');
    expect(await readdir(path)).toEqual(['a']);
  });

  test('names the path and the remedy when it may not write or read', async () => {
    const path = await folder();
    const store = await openDirectoryStore(path);
    await store.put('kept', Buffer.from('1'));
    await chmod(join(path, 'kept'), 0);
    await chmod(path, 0o555);
    // Root may do everything, so that its test acts as nobody for a moment.
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65_534);
    try {
      const error = await store.put('new', Buffer.from('2')).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'not_writable' });
      expect(String(error)).toContain(join(path, 'new'));
      expect(String(error)).toContain('write to the ledger');
      await refused(store.get('kept'), 'not_readable');
    } finally {
      if (root) process.seteuid?.(0);
      await chmod(path, 0o755);
    }
  });

  // A disk can't be filled up here, so the error that Linux would raise is made by hand.
  test.each([
    ['ENOSPC', 'no_space', 'hold'],
    ['EDQUOT', 'no_space', 'hold'],
    ['EROFS', 'not_writable', 'hold'],
    ['EACCES', 'not_writable', 'hold'],
    ['ENOENT', 'not_found', 'final'],
    ['EIO', 'unavailable', 'retry'],
    ['EMFILE', 'unavailable', 'retry'],
  ] as const)('%s while writing is %s, which means %s', (system, code, then) => {
    const error = fromSystemError(Object.assign(new Error('made up'), { code: system }), 'write', '/ledger/job/x');
    expect(error).toBeInstanceOf(LedgerError);
    expect(error).toMatchObject({ code, object: '/ledger/job/x' });
    expect(String(error)).toContain('/ledger/job/x');
    expect(LEDGER_CODES[code]).toBe(then);
  });
});
