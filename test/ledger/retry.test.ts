import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countRows, OUTCOMES, type Outcome, type OutcomeRow } from '../../domain/outcome.ts';
import { normalSelection, RETRIABLE, type RetrySelection, selects } from '../../domain/retry.ts';
import { type Ledger, openLedgerStore } from '../../ledger/ledger.ts';
import { type Chain, linksOf, proveChain, readChain, relationsOf } from '../../ledger/retry-chain.ts';
import { SelectedItems } from '../../ledger/retry-listing.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { buildJob, MIXED } from './fixture.ts';
import { createMemoryStore } from './memory-store.ts';
import { buildRetry, type RetryOptions } from './retry-fixture.ts';

async function freshLedger(): Promise<Ledger> {
  return openLedgerStore(createMemoryStore());
}

/** The rows that count, one after the other, as anybody would count them: no streams, no arithmetic. */
class Model {
  readonly items: { at: string; row: OutcomeRow; jobs: string[] }[] = [];
  listed = 0;

  first(job: string, rows: readonly OutcomeRow[]): void {
    for (const row of rows) this.items.push({ at: `${job}/${row.item}`, row, jobs: [job] });
    this.listed += rows.length;
  }

  selected(of: string, selection: RetrySelection): string[] {
    return this.items.filter(({ row, jobs }) => jobs.includes(of) && selects(selection, row)).map(({ at }) => at);
  }

  retry(job: string, rows: readonly OutcomeRow[]): void {
    for (const row of rows) {
      const known = this.items.find(({ at }) => at === row.retryOf);
      if (known === undefined) {
        this.items.push({ at: `${job}/${row.item}`, row, jobs: [job] });
        this.listed += 1;
      } else Object.assign(known, { at: `${job}/${row.item}`, row, jobs: [...known.jobs, job] });
    }
  }
}

const outcome = fc.constantFrom<Outcome>(...OUTCOMES);
/** What a retry may make of an item: never `skipped` by listing. */
const again = fc.constantFrom<Outcome>(
  'clean',
  'malicious',
  'failed',
  'failed',
  'unscannable',
  'inconclusive',
  'vanished',
);
const selection = fc
  .record({
    outcomes: fc.uniqueArray(fc.constantFrom(...RETRIABLE), { minLength: 1 }),
    classes: fc.option(
      fc.uniqueArray(fc.constantFrom('permission_denied', 'unstable', 'encrypted_file'), { minLength: 1 }),
      {
        nil: undefined,
      },
    ),
    prefix: fc.option(fc.constantFrom('folder 0-0', 'folder 0-1/file-0000', 'changed', 'nowhere'), { nil: undefined }),
  })
  .map(({ outcomes, classes, prefix }) =>
    normalSelection({ outcomes, ...(classes && { classes }), ...(prefix !== undefined && { prefix }) }),
  );
const retry = fc.record({
  selection,
  of: fc.nat(),
  outcomes: fc.array(fc.option(again, { freq: 12, nil: undefined }), { minLength: 1, maxLength: 20 }),
  standIn: fc.boolean(),
  pageItems: fc.integer({ min: 1, max: 4 }),
  turnPages: fc.integer({ min: 1, max: 3 }),
  rescans: fc.array(again, { maxLength: 2 }),
});
const chains = fc.record({
  pages: fc.array(fc.array(outcome, { minLength: 1, maxLength: 7 }), { minLength: 1, maxLength: 4 }),
  retries: fc.array(retry, { minLength: 1, maxLength: 4 }),
});

describe('chains of retries', () => {
  test('list what is selected of the newest rows, and their account is what the rows come to', async () => {
    await fc.assert(
      fc.asyncProperty(chains, async ({ pages, retries }) => {
        const ledger = await freshLedger();
        const model = new Model();
        model.first('job-0', (await buildJob(ledger.job('job-0'), { pages })).rows);
        const jobs = ['job-0'];
        for (const [n, { of: named, outcomes, selection: chosen, ...rest }] of retries.entries()) {
          const job = `job-${n + 1}`;
          const of = jobs[named % jobs.length] as string;
          const options: RetryOptions = {
            ...{ ...rest, job, of, first: 'job-0', selection: chosen },
            outcomeOf: (_, at) => outcomes[at % outcomes.length],
          };
          const wanted = model.selected(of, chosen);
          const built = await buildRetry(ledger, options);
          expect(built.items.map((item) => item.retryOf)).toEqual(wanted);
          model.retry(job, built.rows);
          jobs.push(job);
          const whole = (await readChain(ledger, 'job-0'))?.whole;
          expect(whole).toMatchObject({ of: 'job-0', jobs, listed: model.listed });
          expect(whole?.counters).toEqual(countRows(model.items.map(({ row }) => row)));
        }
        for (const job of jobs) {
          const report = await verifyJob(ledger.job(job), { others: ledger });
          expect(report.problems).toEqual([]);
          expect(report.retry?.coverage).toBe(job === 'job-0' ? undefined : 'checked');
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a listing goes on from any place exactly where it was', async () => {
    const ledger = await freshLedger();
    await buildJob(ledger.job('job-0'), { pages: [MIXED, MIXED, MIXED] });
    const every = { outcomes: RETRIABLE };
    const odd = (_: unknown, at: number): Outcome => (at % 2 === 0 ? 'clean' : 'failed');
    await buildRetry(ledger, { job: 'job-1', of: 'job-0', first: 'job-0', selection: every, outcomeOf: odd });
    const chain = await readChain(ledger, 'job-0');
    const links = [chain?.first, ...(chain?.retries ?? [])].map((m) => ({
      job: m?.header.job ?? '',
      root: m?.root ?? '',
    }));
    const plan = { of: 'job-0', first: 'job-0', outcomes: RETRIABLE, chain: links };
    const read = async (stopAt: number): Promise<(string | undefined)[]> => {
      const found: (string | undefined)[] = [];
      let items = new SelectedItems(plan, await proveChain(ledger, plan));
      for (let at = 0; ; at++) {
        const item = await items.next(60_000);
        if (item === undefined) return found;
        if (item === 'looking') continue;
        found.push(item.retryOf);
        if (at === stopAt) items = new SelectedItems(plan, await proveChain(ledger, plan), items.place());
      }
    };
    const straight = await read(-1);
    expect(straight).toEqual(['job-1/0-0:1', 'job-1/0-1:0', 'job-1/0-1:2', 'job-1/0-2:1']);
    for (let at = 0; at < 4; at++) expect(await read(at)).toEqual(straight);
  });
});

describe('a ledger that was changed', () => {
  test('in any object that a retry builds on is refused, and nothing is listed from what was changed', async () => {
    const store = createMemoryStore();
    const built = await openLedgerStore(store);
    await buildJob(built.job('job-0'), { pages: [['failed', 'clean'], ['failed'], ['clean', 'failed']], perCommit: 1 });
    const selected = { outcomes: ['failed'] as const };
    const half = (_: unknown, at: number): Outcome => (at === 0 ? 'clean' : 'failed');
    await buildRetry(built, { job: 'job-1', of: 'job-0', first: 'job-0', selection: selected, outcomeOf: half });
    const chain = await readChain(built, 'job-0');
    const plan = { of: 'job-0', first: 'job-0', ...selected, chain: linksOf(chain as Chain) };
    const listed = async (): Promise<number> => {
      const ledger = await openLedgerStore(store);
      const items = new SelectedItems(plan, await proveChain(ledger, plan));
      for (let n = 0; ; n++) if ((await items.next(60_000)) === undefined) return n;
    };
    expect(await listed()).toBe(2);
    const read = [...store.objects.keys()].filter((name) =>
      /^job-[01]\/(job\.json|commits|indexes|segments)/.test(name),
    );
    expect(read.length).toBeGreaterThan(10);
    for (const name of read) {
      const kept = store.objects.get(name) as Buffer;
      for (const at of [0, Math.floor(kept.length / 2), kept.length - 1]) {
        const bent = Buffer.from(kept);
        bent[at] = (bent[at] ?? 0) ^ 4;
        store.objects.set(name, bent);
        await expect(listed(), `${name} at ${at}`).rejects.toMatchObject({ name: 'LedgerError' });
      }
      store.objects.delete(name);
      await expect(listed(), `${name} gone`).rejects.toMatchObject({ name: 'LedgerError' });
      store.objects.set(name, kept);
    }
    expect(await listed()).toBe(2);
  });
});

describe('what a ledger tells of its retries', () => {
  async function closed(): Promise<Ledger> {
    const ledger = await freshLedger();
    await buildJob(ledger.job('job-0'), {
      pages: [
        ['clean', 'failed'],
        ['failed', 'unscannable'],
      ],
    });
    const failed = { outcomes: ['failed'] as const };
    const clean = () => 'clean' as const;
    await buildRetry(ledger, { job: 'job-1', of: 'job-0', first: 'job-0', selection: failed, outcomeOf: clean });
    const all = { outcomes: RETRIABLE };
    await buildRetry(ledger, { job: 'job-2', of: 'job-0', first: 'job-0', selection: all, outcomeOf: clean });
    return ledger;
  }

  test('the first job: by which jobs it was retried, and which one closed it', async () => {
    const ledger = await closed();
    const told = await relationsOf(ledger, 'job-0', 'job-0');
    expect(told).toMatchObject({ retriedBy: ['job-1', 'job-2'], closedBy: 'job-2', whole: { state: 'completed' } });
    expect(await relationsOf(ledger, 'job-1', 'job-0')).toMatchObject({ retriedBy: ['job-2'], closedBy: 'job-2' });
    const last = await relationsOf(ledger, 'job-2', 'job-0');
    expect(last.retriedBy ?? last.closedBy).toBeUndefined();
    expect(await relationsOf(ledger, 'job-9', 'job-9')).toEqual({});
  });

  test('a retry that has not ended, or was only noted, changes nothing', async () => {
    const ledger = await closed();
    await ledger.noteRetry('job-0', 'job-3');
    await ledger.noteRetry('job-0', 'job-4');
    await buildJob(ledger.job('job-4'), { pages: [['failed']], final: false });
    expect((await readChain(ledger, 'job-0'))?.whole.jobs).toEqual(['job-0', 'job-1', 'job-2']);
  });

  test('verify says when the original is not there to compare with, and when it was not given', async () => {
    const ledger = await closed();
    expect(await verifyJob(ledger.job('job-2'))).toMatchObject({ ok: true, retry: { coverage: 'not_asked' } });
    const alone = { job: (id: string) => ledger.job(id === 'job-0' ? 'gone' : id), retriesOf: async () => [] };
    const report = await verifyJob(ledger.job('job-2'), { others: alone });
    expect(report).toMatchObject({ ok: true, retry: { of: 'job-0', coverage: 'not_there' } });
  });

  test('the original may not be another one, nor the retries out of order', async () => {
    const ledger = await freshLedger();
    await buildJob(ledger.job('job-0'), { pages: [['failed', 'failed']] });
    const wrong = (links: { job: string; root: string }[]) => links.map((link) => ({ ...link, root: '0'.repeat(64) }));
    const options = {
      of: 'job-0',
      first: 'job-0',
      selection: { outcomes: RETRIABLE },
      outcomeOf: () => 'clean' as const,
    };
    await buildRetry(ledger, { ...options, job: 'job-1', bend: { chain: wrong } });
    await expect(readChain(ledger, 'job-0')).rejects.toMatchObject({ code: 'corrupt' });
    const report = await verifyJob(ledger.job('job-1'), { others: ledger });
    expect(report.problems.map(({ code }) => code)).toContain('retry');
    expect(await relationsOf(ledger, 'job-0', 'job-0')).toEqual({});
  });
});

describe('verify finds a retry that', () => {
  async function problemsOf(bend: NonNullable<RetryOptions['bend']>): Promise<string[]> {
    const ledger = await freshLedger();
    await buildJob(ledger.job('job-0'), {
      pages: [
        ['failed', 'clean', 'failed'],
        ['failed', 'unscannable'],
      ],
    });
    const options = { job: 'job-1', of: 'job-0', first: 'job-0', selection: { outcomes: ['failed'] as const } };
    await buildRetry(ledger, { ...options, outcomeOf: () => 'clean', bend });
    const report = await verifyJob(ledger.job('job-1'), { others: ledger });
    return [...new Set(report.problems.map(({ code }) => code))];
  }

  test('is honest: nothing', async () => expect(await problemsOf({})).toEqual([]));
  test('left an item out', async () => {
    expect(await problemsOf({ items: (_, items) => items.slice(0, -1) })).toContain('retry');
  });
  test('retried another item', async () => {
    const items = (_: string, all: { retryOf?: string }[]) => all.map((item) => ({ ...item, location: 'other' }));
    expect(await problemsOf({ items: items as never })).toContain('retry');
  });
  test('says that its rows replace others', async () => {
    const none = { outcomes: Object.fromEntries(OUTCOMES.map((o) => [o, 0])), bytes: 0, standIn: 0 } as never;
    expect(await problemsOf({ result: (result) => ({ ...result, replaced: none }) })).toContain('sum');
  });
  test('has a whole that is too good', async () => {
    const account = (honest: never) => {
      const told = honest as { whole: { gaps: unknown[]; state: string } };
      return { ...told, whole: { ...told.whole, gaps: [], state: 'completed' } } as never;
    };
    expect(await problemsOf({ account: account as never })).toContain('account');
  });
});
