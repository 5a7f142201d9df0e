import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { countRows } from '../../domain/outcome.ts';
import { type JobLedger, openLedgerStore } from '../../ledger/ledger.ts';
import type { Account } from '../../ledger/types.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { type Bend, type Built, buildJob, MIXED, type Plan, WRITER } from './fixture.ts';
import { createMemoryStore } from './memory-store.ts';
import { refused } from './store-conformance.ts';

const PLAN: Plan = { pages: [MIXED, ['clean', 'clean'], MIXED, [], ['malicious']], settings: { action: 'move' } };

let store: ReturnType<typeof createMemoryStore>;
let job: JobLedger;
beforeEach(async () => {
  store = createMemoryStore();
  job = (await openLedgerStore(store)).job('job-1');
});

async function build(bend: Bend = {}, plan: Partial<Plan> = {}): Promise<Built> {
  return buildJob(job, { ...PLAN, ...plan, bend });
}

/** Names of the objects that count, within the job. */
function objects(folder = ''): string[] {
  return [...store.objects.keys()].filter((name) => name.startsWith(`job-1/${folder}`)).sort();
}

function nth(folder: string, at = 0): string {
  return objects(folder)[at] ?? '';
}

const codes = async (root?: string): Promise<string[]> => {
  const report = await verifyJob(job, root === undefined ? {} : { root });
  expect(report.ok).toBe(report.problems.length === 0);
  return [...new Set(report.problems.map((problem) => problem.code))];
};

describe('an honest ledger', () => {
  test('is consistent, and authentic with its root', async () => {
    const { root, rows } = await build();
    const report = await verifyJob(job, { root: root.toUpperCase() });
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({
      ok: true,
      consistent: true,
      authentic: true,
      state: 'completed_with_gaps',
      later: 0,
    });
    expect(report.head).toEqual({ number: 3, hash: root });
    expect(report.checked).toEqual({ commits: 3, pages: 5, items: 23, rows: 23, actions: 5 });
    expect(report.counters).toEqual(countRows(rows));
    expect(report.strays.count).toBe(0);
  });

  test('is consistent but not authentic without a root', async () => {
    await build();
    expect(await verifyJob(job)).toMatchObject({ ok: true, consistent: true, authentic: false });
  });

  test('with nothing in it is consistent', async () => {
    const { root } = await build({}, { pages: [] });
    expect(await verifyJob(job, { root })).toMatchObject({ ok: true, authentic: true, state: 'completed' });
  });

  test('of a job that has not ended is consistent, and has no state', async () => {
    const { root } = await build({}, { final: false });
    const report = await verifyJob(job, { root });
    expect(report).toMatchObject({ ok: true, authentic: true });
    expect(report.state).toBeUndefined();
  });

  test('checked against the root of an earlier commit says what it does not cover', async () => {
    const built = await build({}, { final: false });
    const first = (await job.chain()).links[0]?.hash ?? '';
    const report = await verifyJob(job, { root: first });
    expect(report).toMatchObject({ ok: true, authentic: true, later: built.commits.length - 1 });
    expect(report.checked.commits).toBe(1);
  });

  test('in a dry run has planned actions', async () => {
    const { root } = await build({}, { settings: { action: 'delete', dryRun: true } });
    expect(await verifyJob(job, { root })).toMatchObject({ ok: true, authentic: true });
  });

  test('in which findings are allowed by their hash is consistent, and counts them', async () => {
    const allow = (row: OutcomeRow): OutcomeRow =>
      row.outcome === 'malicious' || row.outcome === 'policy_blocked'
        ? { ...row, outcome: 'skipped', reason: 'allowed', note: 'malicious, and allowed by ann' }
        : row;
    const { root, commits } = await build({ rows: (_, rows) => rows.map(allow) }, { settings: { action: 'move' } });
    expect((await verifyJob(job, { root })).problems).toEqual([]);
    expect(commits.at(-1)?.counters.allowed).toBeGreaterThan(2);
  });

  test('whose account leaves out what is allowed is not consistent', async () => {
    const allow = (row: OutcomeRow): OutcomeRow =>
      row.outcome === 'malicious' ? { ...row, outcome: 'skipped', reason: 'allowed' } : row;
    const account = ({ counters: { allowed: _, ...counters }, ...rest }: Account): Account => ({ ...rest, counters });
    const { root } = await build({ rows: (_, rows) => rows.map(allow), account }, { settings: { action: 'move' } });
    expect((await verifyJob(job, { root })).problems.map(({ code }) => code)).toEqual(['account']);
  });

  test('names strays without counting them', async () => {
    await build();
    await job.writePart('0-0', 1, undefined, [], WRITER);
    await job.writeSegment('0-1', [], WRITER);
    await job.writeIntents('0-0', [], WRITER);
    const report = await verifyJob(job);
    expect(report.ok).toBe(true);
    expect(report.strays.count).toBe(2);
    expect(report.strays.bytes).toBeGreaterThan(0);
    expect(report.strays.samples.map((name) => name.split('/')[0]).sort()).toEqual(['parts', 'segments']);
  });

  test('of a job whose rescanned items have pages of their own is consistent', async () => {
    const { commits, rows } = await build({}, { final: false, pages: [['malicious']] });
    const again = { location: rows[0]?.location ?? '', version: 'v2', size: 7, rescanOf: '0-0:0', rescans: 1 };
    const row: OutcomeRow = {
      ...(rows[0] as OutcomeRow),
      item: '1-0:0',
      outcome: 'clean',
      listed: { version: 'v2', size: 7 },
      judged: { version: 'v2', size: 7 },
      verdict: { verdict: 'Benign' },
      rescanOf: '0-0:0',
      rescans: 1,
    };
    const object = await job.writePage('1-0', [again], WRITER);
    const index = await job.writeIndex(
      {
        format: 1,
        job: job.id,
        lane: 1,
        epoch: 0,
        pages: [{ page: '1-0', object, items: 1, bytes: 7 }],
        position: {},
        done: false,
        gaps: { count: 0, samples: [] },
        outside: 0,
      },
      WRITER,
    );
    const segment = await job.writeSegment('1-0', [row], WRITER);
    const head = await job.head();
    const counters = countRows([...rows, row]);
    await job.writeCommit({
      format: 1,
      job: job.id,
      number: commits.length + 1,
      previous: head?.hash ?? '',
      indexes: [index],
      pages: [{ page: '1-0', listing: object, items: 1, segment, counters: countRows([row]) }],
      actions: [],
      counters,
    });
    expect((await verifyJob(job)).problems).toEqual([]);
  });
});

describe('a ledger that was tampered with', () => {
  test('by one byte of a segment', async () => {
    const { root } = await build();
    flip(nth('segments/', 2), 40, 1);
    expect(await codes()).toContain('corrupt');
    expect(await codes(root)).toContain('corrupt');
  });

  test.each(['segments/', 'pages/', 'indexes/', 'actions/'])('by removing an object of %s', async (folder) => {
    await build();
    store.objects.delete(nth(folder));
    const report = await verifyJob(job);
    expect(report.problems.map((problem) => problem.code)).toContain('missing');
    expect(report.problems.some((problem) => problem.object === nth(folder) || problem.object.startsWith(folder))).toBe(
      true,
    );
  });

  test('by removing a commit in the middle, or the first', async () => {
    const { root } = await build();
    const kept = store.objects.get(nth('commits/', 1)) ?? Buffer.alloc(0);
    const name = nth('commits/', 1);
    store.objects.delete(name);
    expect(await codes()).toContain('chain');
    expect(await codes(root)).toContain('root');
    store.objects.set(name, kept);
    expect(await codes(root)).toEqual([]);
    store.objects.delete(nth('commits/', 0));
    expect(await codes()).toContain('chain');
  });

  test('by removing the last commit: only the root tells', async () => {
    const { root } = await build();
    store.objects.delete(nth('commits/', 2));
    expect(await verifyJob(job)).toMatchObject({ ok: true, authentic: false });
    expect((await verifyJob(job)).state).toBeUndefined();
    expect(await codes(root)).toContain('root');
  });

  test('by removing every commit', async () => {
    const { root } = await build();
    for (const name of objects('commits/')) store.objects.delete(name);
    expect(await codes(root)).toEqual(['root']);
  });

  test('by another header', async () => {
    const { root } = await build();
    const header = JSON.parse(store.objects.get('job-1/job.json')?.toString() ?? '{}');
    store.objects.set('job-1/job.json', Buffer.from(JSON.stringify({ ...header, actor: 'nobody' })));
    expect(await codes()).toContain('chain');
    expect(await codes(root)).toContain('root');
    store.objects.delete('job-1/job.json');
    expect(await codes(root)).toEqual(['missing']);
  });

  test('by rewriting a segment under the same name with a right row', async () => {
    const { root, rows } = await build();
    const name = nth('segments/', 1);
    const page = rows.filter((row) => row.item.startsWith('0-1:'));
    store.objects.delete(name);
    await job.objects.putLines(name.slice('job-1/'.length), { format: 1, job: 'job-1', page: '0-1' }, page.slice(1));
    expect(await codes(root)).toContain('corrupt');
  });

  test('by leaving out a row and its item, with every hash and sum made anew: only the root tells', async () => {
    const { root } = await build();
    const forged = createMemoryStore();
    const other = (await openLedgerStore(forged)).job('job-1');
    await buildJob(other, { ...PLAN, pages: PLAN.pages.map((page, at) => (at === 0 ? page.toSpliced(9, 1) : page)) });
    expect(await verifyJob(other)).toMatchObject({ ok: true, consistent: true, authentic: false });
    const report = await verifyJob(other, { root });
    expect(report).toMatchObject({ ok: false, authentic: false });
    expect(report.problems.map((problem) => problem.code)).toEqual(['root']);
  });

  test('by putting forged commits beside the honest ones: the root finds the honest chain', async () => {
    const { root } = await build();
    const forged = createMemoryStore();
    await buildJob((await openLedgerStore(forged)).job('job-1'), {
      ...PLAN,
      pages: [['clean'], ['clean'], ['clean'], ['clean'], ['clean'], ['clean'], ['clean']],
    });
    for (const [name, bytes] of forged.objects) if (name.startsWith('job-1/')) store.objects.set(name, bytes);
    expect(await codes(root)).toEqual([]);
  });

  test('in any byte of any object that counts, always with the root, and named', { timeout: 60_000 }, async () => {
    const { root } = await build();
    const counting = objects();
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (pick, at, mask) => {
        const name = counting[pick % counting.length] ?? '';
        const kept = store.objects.get(name) ?? Buffer.alloc(0);
        flip(name, at % kept.length, mask);
        const report = await verifyJob(job, { root });
        store.objects.set(name, kept);
        expect(report).toMatchObject({ ok: false, authentic: false });
      }),
      { numRuns: 150 },
    );
    expect(await codes(root)).toEqual([]);
  });

  function flip(name: string, at: number, mask: number): void {
    const bytes = Buffer.from(store.objects.get(name) ?? Buffer.alloc(0));
    bytes[at] = (bytes[at] ?? 0) ^ mask;
    store.objects.set(name, bytes);
  }
});

describe('a ledger whose hashes are right and whose content is wrong', () => {
  const bad = { verdict: { verdict: 'Malicious' } };
  const first = (change: (row: OutcomeRow) => object): Bend => ({
    lines: (page, rows) =>
      page === '0-0' ? rows.map((row, at) => (at === 0 ? change(row as OutcomeRow) : row)) : rows,
  });

  test.each<[string, Bend, string]>([
    ['a removed row', { rows: (page, rows) => (page === '0-2' ? rows.toSpliced(3, 1) : rows) }, 'row'],
    ['a doubled row', { lines: (page, rows) => (page === '0-2' ? rows.toSpliced(3, 0, rows[3]) : rows) }, 'row'],
    ['rows out of order', { lines: (page, rows) => (page === '0-2' ? rows.toReversed() : rows) }, 'row'],
    [
      'a row beyond the listing',
      { lines: (page, rows) => (page === '0-1' ? [...rows, { ...(rows[0] as object), item: '0-1:2' }] : rows) },
      'row',
    ],
    ['a row of another page', first((row) => ({ ...row, item: '0-1:0' })), 'row'],
    ['no JSON object', first(() => []), 'row'],
    ['another location', first((row) => ({ ...row, location: 'elsewhere' })), 'row'],
    ['bytes for a location that has none', first((row) => ({ ...row, locationBytes: 'AAAA' })), 'row'],
    ['an unknown outcome', first((row) => ({ ...row, outcome: 'fine' })), 'row'],
    ['a malicious item called clean', first((row) => ({ ...row, verdict: { verdict: 'Malicious' } })), 'row'],
    ['an unknown verdict called clean', first((row) => ({ ...row, verdict: { verdict: 'Unknown' } })), 'row'],
    ['clean without a version judged', first(({ judged: _, sha256: __, ...row }) => row), 'row'],
    ['clean without a hash', first(({ sha256: _, ...row }) => row), 'row'],
    ['clean without a scanner', first(({ scanner: _, ...row }) => row), 'row'],
    ['clean without a verdict', first(({ verdict: _, ...row }) => row), 'row'],
    ['clean by fewer bytes', first((row) => ({ ...row, judged: { ...row.judged, size: 1 } })), 'row'],
    ['clean with a reason', first((row) => ({ ...row, reason: 'because' })), 'row'],
    ['another version listed', first((row) => ({ ...row, listed: { ...row.listed, version: 'v0' } })), 'row'],
    ['another size listed', first((row) => ({ ...row, listed: { ...row.listed, size: 1 } })), 'row'],
    ['no time', first(({ at: _, ...row }) => row), 'row'],
    [
      'skipped as allowed, never judged',
      first((row) => ({ ...bare(row), outcome: 'skipped', reason: 'allowed' })),
      'row',
    ],
    ['skipped as allowed, but benign', first((row) => ({ ...row, outcome: 'skipped', reason: 'allowed' })), 'row'],
    [
      'skipped as allowed, without a hash',
      first(({ sha256: _, ...row }) => ({ ...row, ...bad, outcome: 'skipped', reason: 'allowed' })),
      'row',
    ],
    [
      'judged malicious, skipped by another rule',
      first((row) => ({ ...row, ...bad, outcome: 'skipped', reason: 'unchanged' })),
      'row',
    ],
    ['skipped without a rule', first((row) => ({ ...bare(row), outcome: 'skipped' })), 'row'],
    ['failed, but judged', first((row) => ({ ...row, outcome: 'failed', reason: 'x' })), 'row'],
    [
      'a link that was scanned',
      {
        rows: (page, rows) => (page === '0-0' ? rows.with(5, { ...(rows[0] as OutcomeRow), ...named(rows[5]) }) : rows),
      },
      'row',
    ],
    [
      'counters of a page',
      { result: (result) => ({ ...result, counters: { ...result.counters, bytes: result.counters.bytes + 1 } }) },
      'sum',
    ],
    ['counters of a commit', { commit: (body) => ({ ...body, counters: { ...body.counters, standIn: 1 } }) }, 'sum'],
    ['items of an index', { entry: (entry) => ({ ...entry, items: entry.items + 1 }) }, 'sum'],
    ['bytes of an index', { entry: (entry) => ({ ...entry, bytes: entry.bytes + 1 }) }, 'sum'],
    [
      'a page closed for another listing',
      { result: (result) => ({ ...result, listing: { ...result.listing, hash: '0'.repeat(64) } }) },
      'page',
    ],
    ['a page closed with fewer items', { result: (result) => ({ ...result, items: result.items + 1 }) }, 'page'],
    ['a page closed twice', { commit: (body) => ({ ...body, pages: body.pages.concat(body.pages) }) }, 'page'],
    [
      'a page that no index lists',
      { entry: (entry) => (entry.page === '0-4' ? { ...entry, page: '0-9' } : entry) },
      'page',
    ],
    [
      'a page of another lane',
      { entry: (entry) => (entry.page === '0-4' ? { ...entry, page: '1-4' } : entry) },
      'page',
    ],
    ['a page listed twice', { entry: (entry) => ({ ...entry, page: '0-0' }) }, 'page'],
    ['a page that was never closed', { result: (result) => (result.page === '0-1' ? undefined : result) }, 'account'],
    [
      'a partial page in a completed job',
      {
        rows: (page, rows) => (page === '0-1' ? rows.slice(1) : rows),
        result: (result) => (result.page === '0-1' ? { ...result, partial: true } : result),
      },
      'account',
    ],
    ['a whole page called partial', { result: (result) => ({ ...result, partial: true }) }, 'page'],
    ['items in the account', { account: (account) => ({ ...account, listed: account.listed - 1 }) }, 'account'],
    ['bytes in the account', { account: (account) => ({ ...account, listedBytes: 0 }) }, 'account'],
    ['entries outside in the account', { account: (account) => ({ ...account, outside: 0 }) }, 'account'],
    [
      'counters in the account',
      { account: (account) => ({ ...account, counters: { ...account.counters, bytes: 0 } }) },
      'account',
    ],
    [
      'actions in the account',
      { account: (account) => ({ ...account, actions: { ...account.actions, done: 0 } }) },
      'account',
    ],
    [
      'completed with gaps left out',
      { account: (account) => ({ ...account, state: 'completed', gaps: [] }) },
      'account',
    ],
    ['failed without a failure', { account: (account) => ({ ...account, state: 'failed' }) }, 'account'],
    ['an action row left out', { actions: (_, rows) => rows.slice(1) }, 'account'],
    [
      'a failed action that is no gap',
      { actions: (_, rows) => rows.map((row) => ({ ...row, state: 'failed', code: 'leased' })) },
      'account',
    ],
    ['an action row doubled', { actions: (_, rows) => rows.concat(rows) }, 'action'],
    [
      'an action on another version',
      { actions: (_, rows) => rows.map((row) => ({ ...row, version: 'v0' })) },
      'action',
    ],
    [
      'an action on another location',
      { actions: (_, rows) => rows.map((row) => ({ ...row, location: 'x' })) },
      'action',
    ],
    [
      'an action on a clean item',
      {
        actions: (page, rows) =>
          page === '0-0' ? rows.map((row) => ({ ...row, item: '0-0:0', finding: 'job-1/0-0:0' })).slice(1) : rows,
      },
      'action',
    ],
    [
      'an action on no item',
      { actions: (_, rows) => rows.map((row) => ({ ...row, item: '0-99:0', finding: 'job-1/0-99:0' })).slice(-1) },
      'action',
    ],
    [
      'an action for another job',
      { actions: (_, rows) => rows.map((row) => ({ ...row, finding: `job-2/${row.item}` })) },
      'action',
    ],
    [
      'an action of an unknown state',
      { actionResult: (result) => ({ ...result, counts: { ...result.counts, done: 9 } }) },
      'sum',
    ],
  ])('is not consistent: %s', async (_, bend, code) => {
    const { root } = await build(bend);
    expect(await codes()).toContain(code);
    expect(await codes(root)).toContain(code);
  });

  test('an action that was carried out in a dry run', async () => {
    await build(
      { actions: (_, rows) => rows.map((row) => ({ ...row, state: 'done' })) },
      { settings: { action: 'move', dryRun: true } },
    );
    expect(await codes()).toContain('action');
  });

  test('names the object and the line', async () => {
    await build(first((row) => ({ ...row, location: 'elsewhere' })));
    const { problems } = await verifyJob(job);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'row', line: 2 });
    expect(problems[0]?.object).toMatch(/^segments\/0-0\./);
    expect(problems[0]?.message).toContain('elsewhere');
  });

  test('counts every problem and keeps the first', async () => {
    const many = Array.from({ length: 500 }, () => 'clean' as const);
    await build({ rows: (_, rows) => rows.map((row) => ({ ...row, location: 'x' })) }, { pages: [many] });
    const report = await verifyJob(job);
    expect(report.problemCount).toBe(500);
    expect(report.problems).toHaveLength(200);
  });

  function bare(row: OutcomeRow): object {
    const { judged: _, sha256: __, verdict: ___, scanner: ____, ...rest } = row;
    return rest;
  }

  function named(row: OutcomeRow | undefined) {
    return { item: row?.item ?? '', location: row?.location ?? '', listed: row?.listed ?? {} };
  }
});

describe('a cancelled job', () => {
  const partial: Bend = {
    rows: (page, rows) => (page === '0-2' ? rows.filter((_, at) => at % 3 === 0) : rows),
    result: (result) =>
      result.page === '0-4' ? undefined : result.page === '0-2' ? { ...result, partial: true } : result,
    account: (account) => ({ ...account, state: 'cancelled' }),
  };

  test('may have partial pages, and pages that were never closed', async () => {
    const pages = PLAN.pages.with(4, ['clean']);
    const { root } = await build(partial, { pages });
    expect((await verifyJob(job, { root })).problems).toEqual([]);
  });

  test('must account for malicious items that nothing was done about', async () => {
    const bend = (gaps: number): Bend => ({
      ...partial,
      actions: () => [],
      account: (account) => ({ ...account, state: 'cancelled', gaps: [{ class: 'action_waiting', count: gaps }] }),
    });
    const pages = PLAN.pages.with(4, ['clean']);
    await build(bend(1), { pages });
    expect(await codes()).toEqual(['account']);
    store = createMemoryStore();
    job = (await openLedgerStore(store)).job('job-1');
    await build(bend(3), { pages });
    expect(await codes()).toEqual([]);
  });
});

test('a job that is not there, and a root that is none, are refused', async () => {
  await refused(verifyJob(job), 'not_found');
  await build();
  await refused(verifyJob(job, { root: 'abc' }), 'invalid');
});
