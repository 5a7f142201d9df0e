import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Before, checkAccount, takeSnapshots } from '../../cli/demo/check.ts';
import { type Corpus, makeCorpus } from '../../cli/demo/corpus.ts';
import { eicar } from '../../cli/demo/files.ts';
import { sha256 } from '../../cli/demo/snapshot.ts';
import { zip } from '../../cli/demo/zip.ts';
import { type ActionRow, noActions } from '../../domain/action.ts';
import { countRows, type OutcomeRow, rowsOf } from '../../domain/outcome.ts';
import { actionRow, endedJob, findingRow } from './samples.ts';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'dsx-demo-test-'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

describe('the sample', () => {
  it('holds what its maker says, wherever it is made, and can be removed again', async () => {
    const corpus = await makeCorpus(base);
    const { folder } = await takeSnapshots(corpus);
    expect([...folder.keys()].sort()).toEqual([...corpus.expected.items.keys()].sort());
    expect(corpus.expected.listed).toBe(folder.size);
    expect(rowsOf({ outcomes: corpus.expected.outcomes, bytes: 0, standIn: 0 })).toBe(folder.size);
    expect(corpus.expected.moved.size).toBe(corpus.expected.outcomes.malicious);
    expect(Math.max(...[...folder.keys()].map((key) => key.split('/').at(-1)?.length ?? 0))).toBe(255);
    await rm(corpus.folder, { recursive: true });
    expect(await readdir(base)).toEqual(['outside']);
  });
  it('has the well-known test file, and zips of it', () => {
    expect(sha256(eicar())).toBe('275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f');
    const plain = zip([{ name: 'a.com', data: eicar() }]);
    expect(inflateRawSync(plain.subarray(30 + 5))).toEqual(eicar());
    const locked = zip([{ name: 'a.com', data: eicar(), password: 'x' }]);
    expect([plain.readUInt16LE(6) & 1, locked.readUInt16LE(6) & 1]).toEqual([0, 1]);
    expect(locked.readUInt32LE(18)).toBe(plain.readUInt32LE(18) + 12);
  });
});

describe('the check of the account', () => {
  let corpus: Corpus;
  let before: Before;
  let rows: OutcomeRow[];
  let actions: ActionRow[];
  beforeEach(async () => {
    corpus = await makeCorpus(base);
    before = await takeSnapshots(corpus);
    await mkdir(join(base, 'quarantine'));
    rows = [...corpus.expected.items].map(([key, { outcome, reason }], n) => ({
      ...findingRow(n, { outcome, scanner: { name: 'standin', standIn: outcome !== 'skipped' } }),
      ...(reason !== undefined && { reason }),
      ...place(key),
    }));
    actions = [];
    for (const [n, key] of [...corpus.expected.moved.keys()].entries()) {
      const destination = join(base, 'quarantine', `q-${n}`);
      await rename(pathOf(key), destination);
      actions.push({ ...actionRow(n, { destination }), ...place(key) });
    }
  });
  const pathOf = (key: string): Buffer => Buffer.concat([Buffer.from(`${corpus.folder}/`), Buffer.from(key, 'latin1')]);
  const place = (key: string) => {
    const bytes = Buffer.from(key, 'latin1');
    return { location: bytes.toString(), locationBytes: bytes.toString('base64') };
  };
  const check = (verify: readonly string[] = []): Promise<string[]> => {
    const counters = countRows(rows);
    const done = { ...noActions(), done: actions.length };
    const settings = { ...endedJob().settings, quarantine: join(base, 'quarantine') };
    const job = endedJob({ state: 'completed_with_gaps', listed: rows.length, counters, actions: done, settings });
    const client = { outcomes: async () => ({ rows }), actions: async () => ({ rows: actions }) };
    return checkAccount({ corpus, before, job, client, verify: async () => verify });
  };

  it('finds an exact account exact', async () => {
    expect(await check()).toEqual([]);
  });
  it('finds a row that is missing, doubled, strange or wrong', async () => {
    const [first, second, third] = rows as [OutcomeRow, OutcomeRow, OutcomeRow];
    rows = [...rows.slice(1), second, { ...third, ...place('strange') }];
    rows = rows.map((row) => (row.outcome === 'unscannable' ? { ...row, outcome: 'clean' } : row));
    const found = (await check()).join('\n');
    expect(found).toContain(`${first.location} has no row`);
    expect(found).toContain(`${second.location} has more than one row`);
    expect(found).toContain('strange has a row, but is not in the sample');
    expect(found).toContain('archives/locked.zip is clean, encrypted_file, but must be unscannable');
  });
  it('finds quarantined bytes that differ, and actions that were not done', async () => {
    await appendFile(actions[0]?.destination ?? '', 'x');
    await writeFile(`${actions[0]?.destination}.dsx.json`, '{}');
    await writeFile(join(base, 'quarantine', 'stray'), '');
    const { destination: _, ...refused } = { ...(actions[1] as ActionRow), state: 'refused' as const };
    actions[1] = refused;
    actions.splice(2, 1);
    const found = (await check()).join('\n');
    expect(found).toMatch(/q-0 in quarantine has SHA-256 /);
    expect(found).toMatch(/was to be moved, but that is refused/);
    expect(found).toMatch(/was not moved/);
    expect(found).toMatch(/stray is in quarantine, and no action put it there/);
    expect(found).not.toMatch(/dsx\.json/);
  });
  it('finds everything in the folder that was touched, beside it too', async () => {
    await writeFile(pathOf('README.txt'), randomBytes(57));
    await rm(pathOf('documents/letter.txt'));
    await writeFile(pathOf('new.txt'), '');
    await writeFile(pathOf('malware/invoice.pdf.com'), '');
    await appendFile(join(corpus.outside, 'file.com'), 'x');
    const found = (await check()).join('\n');
    expect(found).toMatch(/README.txt was changed/);
    expect(found).toMatch(/documents\/letter.txt is gone/);
    expect(found).toMatch(/new.txt is new/);
    expect(found).toMatch(/malware\/invoice.pdf.com is still there/);
    expect(found).toMatch(/beside the sample, file.com was changed/);
  });
  it('passes on what is wrong with the ledger', async () => {
    expect(await check(['a segment is gone'])).toEqual(['the ledger: a segment is gone']);
  });
});
