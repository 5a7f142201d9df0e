import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FindingQuery, FindingResource } from '../../api/contract.ts';
import type { Outcome } from '../../domain/outcome.ts';
import { buildJob } from '../ledger/fixture.ts';
import { type Api, startApi } from './fixture.ts';

let api: Api;
const JOBS = 12;
const pages = (job: number): Outcome[][] => [
  ['clean', 'malicious', 'failed', 'malicious'],
  job % 3 === 0 ? ['clean'] : ['policy_blocked', 'malicious', 'clean'],
];

beforeAll(async () => {
  api = await startApi();
  const ledger = await api.ledger.open();
  for (let at = 0; at < JOBS; at++) {
    const plan = at % 4 === 3 ? [['clean', 'clean']] : pages(at);
    await buildJob(ledger.job(`job-${String(at).padStart(2, '0')}`), {
      pages: plan as Outcome[][],
      settings: { action: at % 2 === 0 ? 'move' : 'nothing' },
      final: at !== 5,
    });
  }
});
afterAll(() => api.stop());

async function all(query: FindingQuery & { fields?: string } = {}): Promise<FindingResource[]> {
  const found: FindingResource[] = [];
  let after: string | undefined;
  do {
    const page = await api.client().findings({ ...query, ...(after !== undefined && { after }) });
    expect(page.damaged).toBeUndefined();
    expect(page.findings.length).toBeLessThanOrEqual(query.limit ?? 100);
    found.push(...page.findings);
    after = page.next;
  } while (after !== undefined);
  return found;
}
const named = (found: readonly FindingResource[]): string[] => found.map(({ job, item }) => `${job}/${item}`);

test('the findings of all jobs come once each, of a job that runs too, the newest job first', async () => {
  const found = await all();
  const expected = Array.from({ length: JOBS }, (_, at): number => (at % 4 === 3 ? 0 : at % 3 === 0 ? 2 : 4));
  expect(found.length).toBe(expected.reduce((sum, count) => sum + count, 0));
  expect(new Set(named(found)).size).toBe(found.length);
  const order = (await (await api.ledger.open()).starts()).map(({ job }) => job);
  const jobs = [...new Set(found.map(({ job }) => job))];
  expect(jobs).toEqual(order.filter((job) => jobs.includes(job)));
  expect(jobs).toContain('job-05');
  expect(found.every(({ outcome }) => outcome === 'malicious' || outcome === 'policy_blocked')).toBe(true);
});

test.each([1, 2, 3, 5, 7, 1_000])('pages of %i show the same', async (limit) => {
  expect(named(await all({ limit }))).toEqual(named(await all()));
});

describe('filters', () => {
  test('by the state of the item action', async () => {
    const everything = await all();
    for (const action of ['done', 'failed', 'none'] as const) {
      const expected = everything.filter((one) => (one.action?.state ?? 'none') === action);
      expect(named(await all({ action, limit: 3 }))).toEqual(named(expected));
    }
    expect((await all({ action: 'none' })).length).toBeGreaterThan(0);
    expect((await all({ action: 'none' })).length).toBeLessThan(everything.length);
  });

  test('by source and time', async () => {
    expect(await all({ source: 'folder-1' })).toEqual(await all());
    expect(await all({ source: 'other' })).toEqual([]);
    expect(await all({ since: '2001-01-01T00:00:00Z' })).toEqual(await all());
    expect(await all({ since: '2099-01-01T00:00:00+02:00' })).toEqual([]);
    expect(await all({ threat: 'no such threat' })).toEqual([]);
  });

  test('a place is good for the same filters alone', async () => {
    const { next = '' } = await api.client().findings({ limit: 1 });
    for (const query of [`source=folder-1&after=${next}`, 'after=nonsense', 'since=yesterday', 'action=gone']) {
      expect((await api.ask(`/findings?${query}`)).status, query).toBe(400);
    }
  });
});

test('fields leave out all others', async () => {
  const rows = await all({ fields: 'location,job,action' } as FindingQuery);
  for (const row of rows) expect(['action', 'job', 'location']).toEqual(expect.arrayContaining(Object.keys(row)));
  expect(rows.length).toBe((await all()).length);
  const outcomes = await api.ask('/jobs/job-00/outcomes?fields=item');
  expect(((await outcomes.json()) as { rows: object[] }).rows[0]).toEqual({ item: '0-0:0' });
  expect((await api.ask('/jobs/job-00/outcomes?fields=item,password')).status).toBe(400);
  expect((await api.ask('/findings?fields=')).status).toBe(400);
});

test('a job whose ledger is damaged is named, and hides no other', async () => {
  const ledger = await api.ledger.open();
  await buildJob(ledger.job('job-zz'), { pages: [['malicious', 'clean']] });
  await rm(join(ledger.place, 'job-zz', 'segments'), { recursive: true });
  const { findings, damaged } = await api.client().findings({ limit: 1_000 });
  expect(damaged).toEqual(['job-zz']);
  expect(findings.length).toBeGreaterThan(20);
});

test('the ledger of a job is told as a whole', async () => {
  const ask = async (job: string) => (await api.ask(`/jobs/${job}/ledger`)).json() as Promise<Record<string, unknown>>;
  const ended = await ask('job-00');
  expect(ended).toMatchObject({ job: 'job-00', state: expect.stringMatching(/^completed/), rivals: 0, partial: false });
  expect(ended.root).toBe(ended.head);
  expect(ended.verify).toBe(`dsx ledger verify job-00 --root ${ended.root}`);
  const running = await ask('job-05');
  expect([running.state, running.root, running.verify]).toEqual(['unfinished', undefined, 'dsx ledger verify job-05']);
  for (const { objects, bytes } of [ended, running])
    expect([Number(objects) > 4, Number(bytes) > 500]).toEqual([true, true]);
  expect(await ask('job-none')).toMatchObject({ code: 'job_not_found' });
});
