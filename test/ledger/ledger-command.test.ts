import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { show, verify } from '../../cli/commands/ledger.ts';
import { createOutput } from '../../cli/render/output.ts';
import { openLedger } from '../../ledger/ledger.ts';
import { type Built, buildJob, MIXED } from './fixture.ts';

let home: string;
let built: Built;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'dsx-ledger-command-'));
  const ledger = await openLedger(join(home, 'ledger'));
  built = await buildJob(ledger.job('job-1'), { pages: [MIXED, MIXED, MIXED], settings: { action: 'move' } });
  await buildJob(ledger.job('job-2'), { pages: [], final: false });
});
afterAll(() => rm(home, { recursive: true, force: true }));

function here() {
  const text = { out: '', err: '' };
  const stream = (of: 'out' | 'err') =>
    new Writable({
      write(chunk, _, done) {
        text[of] += String(chunk);
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  return { text, env: { DSX_HOME: home }, output: createOutput(stream('out'), stream('err')) };
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe('dsx ledger show', () => {
  test('prints every row as it is written down, also across pages', async () => {
    const at = here();
    expect(await show('job-1', { limit: 1_000, json: true }, at)).toBe(0);
    expect(lines(at.text.out).map((line) => JSON.parse(line))).toEqual(built.rows);
    expect(at.text.err).toBe('');
  });

  test('stops at its limit and says how to go on', async () => {
    const first = here();
    await show('job-1', { limit: 4, outcome: 'malicious', json: true }, first);
    expect(lines(first.text.out)).toHaveLength(4);
    const after = /--after (\S+)/.exec(first.text.err)?.[1] ?? '';
    const second = here();
    await show('job-1', { limit: 4, outcome: 'malicious', json: true, after }, second);
    expect(lines(second.text.out).map((line) => JSON.parse(line).item)).toEqual(['0-2:1', '0-2:9']);
    expect(second.text.err).toBe('');
  });

  test('never prints a name that a terminal would obey', async () => {
    const at = here();
    await show('job-1', { limit: 3 }, at);
    expect(lines(at.text.out)).toHaveLength(3);
    expect(at.text.out).toContain('file-00001 "malicious"\\n.txt');
  });

  test('lists actions, and says when there is nothing', async () => {
    const at = here();
    await show('job-1', { limit: 100, actions: true, json: true }, at);
    expect(lines(at.text.out).map((line) => JSON.parse(line))).toEqual(built.actions);
    const none = here();
    await show('job-1', { limit: 100, prefix: 'nowhere' }, none);
    expect(none.text.err).toContain('no such outcome');
  });

  test('tells wrong usage from a broken ledger', async () => {
    const usage = { name: 'CliError', exit: 2 };
    await expect(show('job-9', { limit: 1 }, here())).rejects.toMatchObject(usage);
    await expect(show('../job-1', { limit: 1 }, here())).rejects.toMatchObject(usage);
    await expect(show('job-1', { limit: 1, after: 'x' }, here())).rejects.toMatchObject(usage);
    await expect(show('job-1', { limit: 1, actions: true, outcome: 'clean' }, here())).rejects.toMatchObject(usage);
    await expect(show('job-1', { limit: 1, state: 'done' }, here())).rejects.toMatchObject(usage);
    await expect(show('job-1', { limit: 1, ledger: join(home, 'absent') }, here())).rejects.toMatchObject(usage);
  });
});

describe('dsx ledger verify', () => {
  test('exits 0 for an honest ledger, and tells consistent from authentic', async () => {
    const plain = here();
    expect(await verify('job-1', {}, plain)).toBe(0);
    expect(plain.text.out).toContain('consistent');
    expect(plain.text.out).toContain(built.root);
    expect(plain.text.out).not.toContain('authentic:');
    const rooted = here();
    expect(await verify('job-1', { root: built.root }, rooted)).toBe(0);
    expect(rooted.text.out).toContain('authentic:');
  });

  test('exits 5 when something is wrong, and names it', async () => {
    const wrong = here();
    expect(await verify('job-1', { root: '0'.repeat(64) }, wrong)).toBe(5);
    expect(wrong.text.out).toContain('NOT authentic');
    const json = here();
    expect(await verify('job-1', { root: '0'.repeat(64), json: true }, json)).toBe(5);
    expect(JSON.parse(json.text.out)).toMatchObject({ ok: false, problemCount: 1, problems: [{ code: 'root' }] });
    await expect(verify('job-1', { root: 'abc' }, here())).rejects.toMatchObject({ exit: 2 });
    await expect(verify('job-9', {}, here())).rejects.toMatchObject({ exit: 2 });
  });

  test('says so when the job has not ended', async () => {
    const at = here();
    expect(await verify('job-2', {}, at)).toBe(0);
    expect(at.text.out).toContain('has not ended');
  });
});
