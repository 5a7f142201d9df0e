import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ACTION_STATES, type ActionRow, noActions } from '../../domain/action.ts';
import { OUTCOMES, type Outcome, type OutcomeRow } from '../../domain/outcome.ts';
import { type ActionQuery, pageActions } from '../../ledger/actions.ts';
import { type JobLedger, openLedgerStore } from '../../ledger/ledger.ts';
import { type OutcomeQuery, pageOutcomes } from '../../ledger/outcomes.ts';
import { actionRowOf, type Built, buildJob, MIXED, WRITER } from './fixture.ts';
import { createMemoryStore } from './memory-store.ts';
import { refused } from './store-conformance.ts';

type Rest<Query> = Omit<Query, 'limit' | 'after'>;

async function everyOutcome(job: JobLedger, query: Rest<OutcomeQuery>, limit: number): Promise<OutcomeRow[]> {
  const rows: OutcomeRow[] = [];
  let after: string | undefined;
  do {
    const page = await pageOutcomes(job, { ...query, limit, ...(after !== undefined && { after }) });
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    rows.push(...page.rows);
    after = page.next;
  } while (after !== undefined);
  return rows;
}

async function everyAction(job: JobLedger, query: Rest<ActionQuery>, limit: number): Promise<ActionRow[]> {
  const rows: ActionRow[] = [];
  let after: string | undefined;
  do {
    const page = await pageActions(job, { ...query, limit, ...(after !== undefined && { after }) });
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    rows.push(...page.rows);
    after = page.next;
  } while (after !== undefined);
  return rows;
}

async function memoryJob(id = 'job-1') {
  const store = createMemoryStore();
  return { store, job: (await openLedgerStore(store)).job(id) };
}

describe('paging through outcome rows', () => {
  let job: JobLedger;
  let built: Built;
  beforeAll(async () => {
    ({ job } = await memoryJob());
    const partial = (page: string) => page === '0-3';
    built = await buildJob(job, {
      pages: [
        MIXED,
        ['clean'],
        [],
        MIXED,
        ['malicious', 'clean', 'malicious'],
        ...Array.from({ length: 8 }, () => MIXED),
      ],
      bend: { rows: (page, rows) => (partial(page) ? rows.filter((_, at) => at % 3 === 1) : rows) },
    });
  });

  test('gives every row once, in the order of the items, however small the pages', async () => {
    for (const limit of [1, 2, 7, 1000]) expect(await everyOutcome(job, {}, limit)).toEqual(built.rows);
  });

  test('gives exactly the rows that fit, for any query', async () => {
    const query = fc.record(
      {
        outcome: fc.constantFrom(...OUTCOMES),
        prefix: fc.constantFrom('', 'folder 0-1', 'folder 0-4/file-0000', 'none', 'folder 0-0/file-00003 "'),
        reason: fc.constantFrom('link', 'encrypted_file', 'permission_denied', 'none', '"'),
      },
      { requiredKeys: [], noNullPrototype: true },
    );
    await fc.assert(
      fc.asyncProperty(query, fc.integer({ min: 1, max: 9 }), async (asked, limit) => {
        const expected = built.rows.filter(
          (row) =>
            (asked.outcome === undefined || row.outcome === asked.outcome) &&
            (asked.reason === undefined || row.reason === asked.reason) &&
            (asked.prefix === undefined || row.location.startsWith(asked.prefix)),
        );
        expect(await everyOutcome(job, asked, limit)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('ends without a next place when there is nothing more', async () => {
    const all = await pageOutcomes(job, { limit: 1000 });
    expect(all.next).toBeUndefined();
    const exact = await pageOutcomes(job, { limit: built.rows.length });
    expect(exact.rows).toHaveLength(built.rows.length);
    expect(exact.next).toBeUndefined();
  });

  test('orders pages by number and not by text, and by lane before that', async () => {
    const rows = await everyOutcome(job, { outcome: 'vanished' }, 2);
    const pages = rows.map((row) => Number(/^0-(\d+):/.exec(row.item)?.[1]));
    expect(pages).toEqual([...pages].sort((a, b) => a - b));
    expect(pages.at(-1)).toBe(12);
  });

  test('refuses queries and places that are none', async () => {
    for (const limit of [0, -1, 1001, 1.5, Number.NaN]) await refused(pageOutcomes(job, { limit }), 'invalid');
    await refused(pageOutcomes(job, { limit: 1, outcome: 'fine' as Outcome }), 'invalid');
    const { next = '' } = await pageOutcomes(job, { limit: 1 });
    const other = (await memoryJob('job-2')).job;
    await buildJob(other, { pages: [MIXED] });
    await refused(pageOutcomes(other, { limit: 1, after: next }), 'invalid');
    await refused(pageActions(job, { limit: 1, after: next }), 'invalid');
    const forged = Buffer.from(JSON.stringify([1, 'outcomes', 'job-1', 0, -1, 0])).toString('base64url');
    for (const after of ['', 'x', `${next}=`, `${next.slice(0, -2)}`, forged, `${next}A`]) {
      await refused(pageOutcomes(job, { limit: 1, after }), 'invalid');
    }
  });

  test('of a job without commits, or without anything, is empty', async () => {
    const { job: fresh } = await memoryJob();
    expect(await pageOutcomes(fresh, { limit: 5 })).toEqual({ rows: [] });
    expect(await pageActions(fresh, { limit: 5 })).toEqual({ rows: [] });
  });

  test('answers after a bounded number of segments, with a place to go on', async () => {
    const { job: long } = await memoryJob();
    const pages: Outcome[][] = Array.from({ length: 100 }, () => ['clean']);
    pages.push(['failed']);
    await buildJob(long, { pages, perCommit: 40 });
    const first = await pageOutcomes(long, { limit: 10, reason: 'permission_denied' });
    expect(first.rows).toEqual([]);
    expect(first.next).toBeDefined();
    expect(await everyOutcome(long, { reason: 'permission_denied' }, 10)).toHaveLength(1);
    expect((await pageOutcomes(long, { limit: 10, outcome: 'failed' })).rows).toHaveLength(1);
  });

  test('opens only segments whose counters have the outcome', async () => {
    const { store, job: thrifty } = await memoryJob();
    await buildJob(thrifty, { pages: [['clean'], ['malicious'], ['clean']] });
    for (const name of store.objects.keys()) {
      if (/segments\/0-[02]\./.test(name)) store.objects.delete(name);
    }
    expect((await pageOutcomes(thrifty, { limit: 10, outcome: 'malicious' })).rows).toHaveLength(1);
    await refused(pageOutcomes(thrifty, { limit: 10 }), 'not_found');
  });

  test('sees what a running job commits meanwhile', async () => {
    const { job: running } = await memoryJob();
    const { commits, rows } = await buildJob(running, {
      pages: [['clean'], ['clean'], ['malicious']],
      perCommit: 1,
      final: false,
    });
    expect(await everyOutcome(running, {}, 1)).toEqual(rows);
    const head = await running.head();
    const page = '1-0';
    const item = { location: 'again', version: 'v2', size: 1, rescanOf: '0-2:0', rescans: 1 };
    const row = { ...(rows[0] as OutcomeRow), item: '1-0:0', location: 'again' };
    const object = await running.writePage(page, [item], WRITER);
    const index = await running.writeIndex(
      {
        format: 1,
        job: running.id,
        lane: 1,
        epoch: 0,
        pages: [{ page, object, items: 1, bytes: 1 }],
        position: {},
        done: false,
        gaps: { count: 0, samples: [] },
        outside: 0,
      },
      WRITER,
    );
    const segment = await running.writeSegment(page, [row], WRITER);
    const counters = commits.at(-1)?.counters;
    if (counters === undefined) throw new Error('the fixture has commits');
    await running.writeCommit({
      format: 1,
      job: running.id,
      number: commits.length + 1,
      previous: head?.hash ?? '',
      indexes: [index],
      pages: [{ page, listing: object, items: 1, segment, counters }],
      actions: [],
      counters,
    });
    expect((await everyOutcome(running, {}, 2)).map((each) => each.item)).toEqual(['0-0:0', '0-1:0', '0-2:0', '1-0:0']);
  });

  test('reports damage instead of leaving rows out', async () => {
    const { store, job: broken } = await memoryJob('broken');
    await buildJob(broken, { pages: [MIXED] });
    const name = [...store.objects.keys()].find((each) => each.includes('segments/')) ?? '';
    const bytes = Buffer.from(store.objects.get(name) ?? Buffer.alloc(0));
    bytes[30] = (bytes[30] ?? 0) ^ 1;
    store.objects.set(name, bytes);
    await refused(pageOutcomes(broken, { limit: 5 }), 'corrupt');
  });
});

describe('paging through actions', () => {
  test('gives the last row of each finding, in the order of the commits, by state', async () => {
    const { job } = await memoryJob();
    const later: ActionRow[] = [];
    const { rows } = await buildJob(job, {
      pages: [MIXED, MIXED, MIXED],
      settings: { action: 'move' },
      final: false,
      bend: { actions: (_, honest) => honest.map((row) => ({ ...row, state: 'awaiting-approval' })) },
    });
    const malicious = rows.filter((row) => row.outcome === 'malicious');
    const done = actionRowOf(job.id, malicious[1] as OutcomeRow, 'done');
    const failed = actionRowOf(job.id, malicious[4] as OutcomeRow, 'failed');
    later.push(done, failed);
    const segment = await job.writeActions('approved', later, WRITER);
    const head = await job.head();
    if (head === undefined) throw new Error('the fixture has commits');
    await job.writeCommit({
      ...head.body,
      number: head.number + 1,
      previous: head.hash,
      indexes: [],
      pages: [],
      actions: [{ segment, counts: { ...noActions(), done: 1, failed: 1 } }],
    });
    for (const limit of [1, 3, 100]) {
      const all = await everyAction(job, {}, limit);
      expect(all.map(({ item, state }) => [item, state])).toEqual([
        ['0-0:1', 'awaiting-approval'],
        ['0-1:1', 'awaiting-approval'],
        ['0-1:9', 'awaiting-approval'],
        ['0-2:9', 'awaiting-approval'],
        ['0-0:9', 'done'],
        ['0-2:1', 'failed'],
      ]);
      expect(await everyAction(job, { state: 'done' }, limit)).toEqual([done]);
      expect(await everyAction(job, { state: 'refused' }, limit)).toEqual([]);
    }
    await refused(pageActions(job, { limit: 1, state: 'gone' as (typeof ACTION_STATES)[number] }), 'invalid');
  });
});
