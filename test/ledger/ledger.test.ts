import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ActionIntent } from '../../domain/action.ts';
import type { Item } from '../../domain/item.ts';
import { noCounters, type OutcomeRow } from '../../domain/outcome.ts';
import { canonicalJson } from '../../ledger/canonical-json.ts';
import { type JobLedger, type JobSummary, type Ledger, openLedger, openLedgerStore } from '../../ledger/ledger.ts';
import { hashOf } from '../../ledger/ndjson.ts';
import type { CommitBody, IndexBody } from '../../ledger/types.ts';
import { actionRowOf, buildJob, headerOf, itemOf, MIXED, rowOf, WRITER } from './fixture.ts';
import { createMemoryStore } from './memory-store.ts';
import { refused } from './store-conformance.ts';

let base: string;
let ledger: Ledger;
let job: JobLedger;
let jobs = 0;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dsx-ledger-'));
  ledger = await openLedger(join(base, 'ledger'));
});
afterAll(() => rm(base, { recursive: true, force: true }));
beforeEach(() => {
  job = ledger.job(`job-${++jobs}`);
});

async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const found: Value[] = [];
  for await (const value of values) found.push(value);
  return found;
}

function commitOf(number: number, previous: string, changes: Partial<CommitBody> = {}): CommitBody {
  return {
    format: 1,
    job: job.id,
    number,
    previous,
    indexes: [],
    pages: [],
    actions: [],
    counters: noCounters(),
    ...changes,
  };
}

describe('a ledger', () => {
  test('has one id, whoever opens it and however many at once', async () => {
    const root = join(base, 'shared');
    const opened = await Promise.all(Array.from({ length: 6 }, () => openLedger(root)));
    const ids = new Set(opened.map(({ id }) => id));
    expect(ids.size).toBe(1);
    expect([...ids][0]).toMatch(/^[0-9a-f-]{36}$/);
    expect((await openLedger(root)).id).toBe([...ids][0]);
    expect((await openLedger(join(base, 'other'))).id).not.toBe([...ids][0]);
  });

  test('is not made by somebody who only wants to read it', async () => {
    await refused(openLedger(join(base, 'absent'), { create: false }), 'not_found');
    await expect(stat(join(base, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' });
    await refused(openLedger(base, { create: false }), 'not_found');
  });

  test('refuses a URL, a file, and a ledger.json that is none', async () => {
    await refused(openLedger('https://bucket/ledger'), 'invalid');
    await refused(openLedger('s3://bucket/../ledger'), 'invalid');
    await writeFile(join(base, 'file'), '');
    await refused(openLedger(join(base, 'file')), 'invalid');
    await refused(openLedger(join(base, 'file', 'below')), 'invalid');
    const root = join(base, 'broken');
    await openLedger(root);
    await writeFile(join(root, 'ledger.json'), '{');
    await refused(openLedger(root), 'corrupt');
  });

  test('probes that it can be written, and notices when it is another one', async () => {
    const store = createMemoryStore();
    const opened = await openLedgerStore(store);
    await opened.probe();
    await opened.probe();
    store.objects.set('ledger.json', Buffer.from('{"format":1,"id":"another"}'));
    await refused(opened.probe(), 'not_there');
    store.objects.delete('ledger.json');
    await refused(opened.probe(), 'not_there');
  });

  test('lists its jobs newest first, also running and damaged ones', async () => {
    const store = createMemoryStore();
    const opened = await openLedgerStore(store);
    const { root } = await buildJob(opened.job('ended'), { pages: [MIXED] });
    const late = { ...headerOf('late'), startedAt: '2026-02-01T00:00:00.000Z' };
    await opened.job('late').writeHeader(late);
    await buildJob(opened.job('running'), { pages: [MIXED, MIXED], final: false });
    await opened.job('headless').writeIntake([{ location: 'a' }]);
    await buildJob(opened.job('damaged'), { pages: [['clean']] });
    store.objects.set('damaged/job.json', Buffer.from('{"startedAt":"2026-03-01T00:00:00.000Z"}'));
    store.objects.set('not a job/x', Buffer.from(''));
    const found: JobSummary[] = await collect(opened.jobs());
    expect(found.map(({ job, state }) => [job, state])).toEqual([
      ['damaged', 'damaged'],
      ['late', 'unfinished'],
      ['running', 'unfinished'],
      ['ended', 'completed_with_gaps'],
    ]);
    expect(found[3]).toMatchObject({ kind: 'full', listed: 10, root, source: { kind: 'folder', path: '/data' } });
    expect(found[3]?.counters.outcomes.malicious).toBe(2);
    expect(found[2]).toMatchObject({ listed: 20 });
    expect(found[2]?.root).toBeUndefined();
    expect(found[1]).toMatchObject({ listed: 0, counters: noCounters() });
  });
});

describe('what is written', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 });
  const item: fc.Arbitrary<Item> = fc.record(
    { location: text, locationBytes: fc.base64String(), version: text, size: fc.maxSafeNat(), modified: text },
    { requiredKeys: ['location'], noNullPrototype: true },
  );

  test('comes back the same: pages of any names, and segments', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 30 }), async (items) => {
        const ref = await job.writePage('0-3', items, WRITER);
        expect(await job.readPage(ref)).toEqual(items);
        const rows = items.map((each, ordinal) => ({ ...rowOf('0-3', ordinal, each, 'clean') }));
        expect(await job.readSegment(await job.writeSegment('0-3', rows, WRITER))).toEqual(rows);
      }),
      { numRuns: 25 },
    );
  });

  test('keeps lone surrogates and line breaks in names', async () => {
    const items = [{ location: 'a\ud800b' }, { location: '\n\r\u2028\u0000"\\' }, { location: '' }];
    expect(await job.readPage(await job.writePage('0-0', items, WRITER))).toEqual(items);
  });

  test('comes back the same: indexes, intents, actions, intakes, header', async () => {
    const page = { page: '0-0', object: await job.writePage('0-0', [], WRITER), items: 0, bytes: 0 };
    const index: IndexBody = {
      format: 1,
      job: job.id,
      lane: 0,
      epoch: 2,
      pages: [page],
      position: { stack: ['a', { b: null }] },
      done: false,
      gaps: { count: 2, samples: [{ location: 'x/', detail: 'EACCES' }] },
      outside: 7,
    };
    expect(await job.readIndex(await job.writeIndex(index, WRITER))).toEqual(index);
    const row = rowOf('0-0', 4, itemOf('0-0', 4, 'malicious'), 'malicious');
    const action = actionRowOf(job.id, row, 'refused', 'a lease');
    expect(await job.readActions(await job.writeActions('0-0', [action], WRITER))).toEqual([action]);
    const intent: ActionIntent = {
      finding: action.finding,
      item: { location: row.location },
      judged: { version: 'v', size: 3 },
      action: 'move',
      destination: 'x',
      provenance: { job: job.id, connector: 'c', verdict: 'Malicious', sha256: 'aa', standIn: true, judgedAt: row.at },
    };
    expect(await job.readIntents(await job.writeIntents('odd / name', [intent], WRITER))).toEqual([intent]);
    const refs = [{ location: 'a' }, { location: '\ufffd', locationBytes: '/w==' }];
    expect(await job.readIntake(await job.writeIntake(refs))).toEqual(refs);
    expect(await job.header()).toBeUndefined();
    const header = { ...headerOf(job.id), fingerprint: 'device 1' };
    await job.writeHeader(header);
    expect(await job.header()).toEqual(header);
  });

  test('never has the name of another object, and says who wrote it', async () => {
    const writer = { run: 'Run:1/ä', activity: '../up', attempt: 3 };
    const names = new Set<string>();
    for (let i = 0; i < 20; i++) names.add((await job.writePage('0-7', [], writer)).name);
    expect(names.size).toBe(20);
    for (const name of names) expect(name).toMatch(/^pages\/0-7\.Run_1__\.___up\.3\.[0-9a-f]{16}\.ndjson\.zst$/);
  });

  test('is refused where it can not be right', async () => {
    const rows = [1, 0].map((at) => rowOf('0-0', at, itemOf('0-0', at, 'clean'), 'clean'));
    await refused(job.writeSegment('0-0', rows, WRITER), 'invalid');
    await refused(job.writeSegment('0-0', [rows[0], rows[0]] as OutcomeRow[], WRITER), 'invalid');
    await refused(job.writeSegment('0-1', [rows[0]] as OutcomeRow[], WRITER), 'invalid');
    await refused(job.writePage('../0', [], WRITER), 'invalid');
    await refused(job.writePage('0-00', [], WRITER), 'invalid');
    await refused(job.writeHeader(headerOf('another')), 'invalid');
    await refused(job.writeCommit(commitOf(0, 'x')), 'invalid');
    await refused(
      job.writeCommit({ ...commitOf(1, 'x'), counters: { ...noCounters(), bytes: Number.NaN } }),
      'invalid',
    );
    for (const id of ['', '.', '..', 'a/b', 'a b', '-x', 'x'.repeat(129), 'a\n'])
      expect(() => ledger.job(id)).toThrow('no job id');
  });

  test('can not be read when it is damaged, of another kind or of another job', async () => {
    const ref = await job.writePage('0-0', [{ location: 'a' }], WRITER);
    await refused(job.readPage({ ...ref, hash: hashOf(Buffer.from('x')) }), 'corrupt');
    await refused(job.readSegment(ref), 'invalid');
    await refused(job.readPage({ ...ref, name: 'pages/absent' }), 'not_found');
    await refused(job.readPage({ ...ref, name: '../other/pages/x' }), 'invalid');
    const bytes = await job.objects.get(ref.name);
    const other = ledger.job(`other-${job.id}`);
    await other.objects.put(ref.name, bytes);
    await refused(other.readPage(ref), 'corrupt');
    await job.objects.put('pages/cut', bytes.subarray(0, bytes.length - 3));
    await refused(job.readPage({ name: 'pages/cut', hash: hashOf(bytes.subarray(0, bytes.length - 3)) }), 'corrupt');
  });
});

describe('the header', () => {
  test('is written once: the same again is accepted in any order of keys, another one is refused', async () => {
    const header = headerOf(job.id);
    const ref = await job.writeHeader(header);
    const turned = Object.fromEntries(Object.entries(header).reverse()) as unknown as typeof header;
    expect(await job.writeHeader(turned)).toEqual(ref);
    await refused(job.writeHeader({ ...header, actor: 'somebody else' }), 'conflict');
    expect(await job.header()).toEqual(header);
  });
});

describe('parts', () => {
  const rows = (from: number, to: number): OutcomeRow[] =>
    Array.from({ length: to - from }, (_, at) => rowOf('0-0', from + at, itemOf('0-0', from + at, 'clean'), 'clean'));

  test('are read back along the chain, oldest first, whoever wrote them', async () => {
    const first = await job.writePart('0-0', 1, undefined, rows(0, 3), WRITER);
    const second = await job.writePart('0-0', 2, first, [], { ...WRITER, attempt: 2 });
    const third = await job.writePart('0-0', 3, second, rows(3, 5), WRITER);
    await job.writePart('0-0', 3, second, rows(3, 9), WRITER);
    expect((await job.readParts(third)).map(({ item }) => item)).toEqual(['0-0:0', '0-0:1', '0-0:2', '0-0:3', '0-0:4']);
    expect(await job.readParts(second)).toEqual(rows(0, 3));
  });

  test('are refused when one is missing, when an item comes twice, or when the chain leaves the page', async () => {
    const first = await job.writePart('0-0', 1, undefined, rows(0, 3), WRITER);
    await refused(job.readParts(await job.writePart('0-0', 2, first, rows(2, 4), WRITER)), 'corrupt');
    await refused(job.readParts(await job.writePart('0-1', 2, first, [], WRITER)), 'corrupt');
    const page = (await job.writePage('0-0', [], WRITER)).name;
    await refused(job.readParts(await job.writePart('0-0', 2, page, [], WRITER)), 'corrupt');
    const last = await job.writePart('0-0', 2, first, rows(3, 4), WRITER);
    await job.deleteParts([first]);
    await refused(job.readParts(last), 'not_found');
    await refused(job.deleteParts([page]), 'invalid');
  });

  test('of closed pages go, those of others stay', async () => {
    const gone = await job.writePart('0-1', 1, undefined, [], WRITER);
    const kept = await job.writePart('0-11', 1, undefined, [], WRITER);
    await job.deletePartsOf([]);
    await job.deletePartsOf(['0-1', '0-2']);
    await refused(job.readParts(gone), 'not_found');
    expect(await job.readParts(kept)).toEqual([]);
  });
});

describe('commits', () => {
  test('have bytes, name and hash that follow from the value alone', async () => {
    const body = commitOf(1, 'a'.repeat(64), { counters: { ...noCounters(), bytes: 5 } });
    const turned = Object.fromEntries(Object.entries(body).reverse()) as unknown as CommitBody;
    const ref = await job.writeCommit(body);
    expect(await job.writeCommit(turned)).toEqual(ref);
    expect(ref.name).toBe(`commits/c00000001.${ref.hash.slice(0, 16)}.json`);
    expect((await job.objects.get(ref.name)).toString()).toBe(canonicalJson(body));
    expect(await job.readCommit(1, ref.hash)).toEqual(body);
    await refused(job.readCommit(2, ref.hash), 'not_found');
    await refused(job.readCommit(1, `${ref.hash.slice(0, 63)}${ref.hash.endsWith('0') ? '1' : '0'}`), 'corrupt');
  });

  test('form a chain, whose end is the head', async () => {
    expect(await job.head()).toBeUndefined();
    const header = await job.writeHeader(headerOf(job.id));
    expect(await job.head()).toBeUndefined();
    const hashes: string[] = [];
    for (let number = 1; number <= 4; number++) {
      hashes.push((await job.writeCommit(commitOf(number, hashes.at(-1) ?? header.hash))).hash);
      expect(await job.head()).toMatchObject({ number, hash: hashes.at(-1) });
    }
    expect((await collect(job.commits())).map(({ hash }) => hash)).toEqual(hashes);
  });

  test('that hang on nothing, are damaged, or follow an account, are not the head', async () => {
    const header = await job.writeHeader(headerOf(job.id));
    const first = await job.writeCommit(commitOf(1, header.hash));
    await job.writeCommit(commitOf(2, 'b'.repeat(64)));
    await job.writeCommit(commitOf(3, first.hash));
    await job.objects.put(`commits/c00000002.${'0'.repeat(16)}.json`, Buffer.from('{}'));
    expect((await job.head())?.hash).toBe(first.hash);
    const { account } = (await buildJob(ledger.job(`${job.id}-a`), { pages: [] })).commits[0] ?? {};
    if (account === undefined) throw new Error('the fixture ends with an account');
    const final = await job.writeCommit(commitOf(2, first.hash, { account }));
    await job.writeCommit(commitOf(3, final.hash));
    expect((await job.head())?.hash).toBe(final.hash);
  });

  test('of two runs: the longer chain is the head, and of equally long ones everybody takes the same', async () => {
    const header = await job.writeHeader(headerOf(job.id));
    const one = await job.writeCommit(commitOf(1, header.hash, { counters: { ...noCounters(), bytes: 1 } }));
    const two = await job.writeCommit(commitOf(1, header.hash, { counters: { ...noCounters(), bytes: 2 } }));
    const expected = [one.hash, two.hash].sort()[0];
    expect((await job.head())?.hash).toBe(expected);
    const longer = one.hash < two.hash ? two : one;
    const next = await job.writeCommit(commitOf(2, longer.hash));
    expect((await job.head())?.hash).toBe(next.hash);
  });
});

describe('canonical JSON', () => {
  test('is JSON for the same value, whatever the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(turn(value))).toBe(text);
      }),
    );
  });

  test('leaves out what is undefined and refuses what JSON has not', () => {
    expect(canonicalJson({ b: 1, a: undefined, B: [null, 'x'] })).toBe('{"B":[null,"x"],"b":1}');
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1n, undefined, () => 1, [undefined]]) {
      expect(() => canonicalJson(value)).toThrow("JSON can't");
    }
    const cycle: Record<string, unknown> = {};
    cycle.cycle = cycle;
    expect(() => canonicalJson(cycle)).toThrow('nested deeper');
  });

  function turn(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(turn);
    if (typeof value !== 'object' || value === null) return value;
    const turned: Record<string, unknown> = Object.create(null);
    for (const [key, member] of Object.entries(value).reverse()) turned[key] = turn(member);
    return turned;
  }
});
