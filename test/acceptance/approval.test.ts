import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApprovalList, SourceApprovals } from '../../api/contract.ts';
import type { ActionRow } from '../../domain/action.ts';
import { EICAR, writeFiles } from '../support/files.ts';
import { eventsOf, summaryOf, TestStack } from './support.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await TestStack.start('approval');
}, 60_000);
afterAll(() => stack.remove());

function infected(name: string, count: number): string {
  const folder = stack.folder(name);
  const odd = { 'a\nb.com': EICAR };
  const bad = Array.from({ length: count - 1 }, (_, i) => [`bad-${i}.com`, EICAR]);
  writeFiles(folder, { 'good.txt': 'harmless', ...odd, ...Object.fromEntries(bad) });
  return folder;
}
const left = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.com'))
    .sort();

async function waiting(source: string, limit = 100): Promise<SourceApprovals> {
  return (await (await stack.api(`/approvals/${source}?limit=${limit}`)).json()) as SourceApprovals;
}
async function rowsOf(job: string): Promise<ActionRow[]> {
  const ran = await stack.dsx(['ledger', 'show', job, '--json', '--limit', 'all']);
  return eventsOf(ran.stdout) as unknown as ActionRow[];
}

test('maxActions 3 with 10 findings: 3 done, 7 wait, the next scan starts; 5 approved, 2 rejected: exactly those', async () => {
  const folder = infected('brake', 10);
  const scan = ['--action', 'move', '--max-actions', '3/1h'];
  const { code, summary } = await stack.scan(folder, ...scan);
  expect(code).toBe(3);
  expect(summary).toMatchObject({
    state: 'completed_with_gaps',
    listed: 11,
    actions: { done: 3, 'awaiting-approval': 7 },
    gaps: [{ class: 'action_waiting', count: 7 }],
  });
  expect((await stack.scan(folder, ...scan)).summary.actions).toMatchObject({ done: 0, 'awaiting-approval': 7 });

  const text = (await stack.dsx(['approvals', folder])).stdout;
  const page = JSON.parse((await stack.dsx(['approvals', folder, '--json'])).stdout) as SourceApprovals;
  const { id } = page.source;
  expect(page).toMatchObject({ waiting: 14, through: 14 });
  expect(page.findings.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 14 }, (_, i) => i + 1));
  expect(text).toContain(`dsx approve ${folder} --through 14 --list ${page.list}`);
  expect(text).not.toContain('a\nb.com');
  const first = await waiting(id, 7);
  const seen = ['--through', '7', '--list', first.list ?? ''];

  const approved = await stack.dsx(['approve', folder, ...seen, '--only', '1-5', '--reason', 'seen', '--json']);
  expect(approved.code, approved.stderr).toBe(0);
  const decision = eventsOf(approved.stdout)[0] as unknown as { jobs: { job: string }[]; at: string; waiting: number };
  expect(decision).toMatchObject({ type: 'decided', verdict: 'approve', by: 'local', count: 5, waiting: 9 });
  expect(summaryOf(approved)).toMatchObject({ state: 'completed', actions: { done: 5 } });

  // The list is another one now: what was seen before can't be decided about unseen.
  const stale = await stack.dsx(['reject', folder, ...seen, '--only', '6,7']);
  expect(stale.code).toBe(2);
  expect(stale.stderr).toContain('no longer the one');
  const now = await waiting(id, 2);
  const rejected = await stack.dsx(['reject', folder, '--through', '7', '--list', now.list ?? '']);
  expect(rejected.code, rejected.stderr).toBe(0);
  expect(rejected.stdout).toContain('rejected 2 findings');

  const five = first.findings.slice(0, 5).map(({ location }) => location);
  const two = first.findings.slice(5).map(({ location }) => location);
  expect(left(folder)).toEqual([...two].sort());
  const job = decision.jobs[0]?.job ?? '';
  const rows = await rowsOf(job);
  expect(rows.map(({ location }) => location).sort()).toEqual([...five].sort());
  for (const row of rows) expect(row).toMatchObject({ state: 'done', by: `approved by local at ${decision.at}` });
  const { decided } = await waiting(id);
  expect(decided.map(({ verdict, by, count, reason }) => [verdict, by, count, reason])).toEqual([
    ['approve', 'local', 5, 'seen'],
    ['reject', 'local', 2, undefined],
  ]);
  const carried = decided.flatMap(({ jobs }) => jobs.map((one) => one.job));
  const reports = await Promise.all(carried.map((one) => stack.dsx(['ledger', 'verify', one])));
  expect(reports.map(({ code }) => code)).toEqual([0, 0]);
  const all = (await (await stack.api('/approvals')).json()) as ApprovalList;
  expect(all.sources.find(({ source }) => source.id === page.source.id)).toMatchObject({ waiting: 7 });
  const watched = await stack.dsx(['watch', job]);
  expect(watched.stdout).toContain(`approved findings of job ${summary.job}`);
  const resource = await (await stack.api(`/jobs/${job}`)).json();
  expect(resource).toMatchObject({
    kind: 'apply',
    order: { why: 'approved', by: 'local', findings: 5, reason: 'seen' },
  });
}, 150_000);

test('a plan applied later acts on files that are still as they were judged; twice, it acts once', async () => {
  const folder = infected('plan', 4);
  const { summary } = await stack.scan(folder, '--action', 'move', '--dry-run');
  expect(summary.actions.planned).toBe(4);
  writeFileSync(path.join(folder, 'bad-1.com'), 'harmless by now'.padEnd(EICAR.length));
  const tried = await stack.dsx(['apply', summary.job, '--dry-run', '--json']);
  expect(summaryOf(tried).actions).toMatchObject({ planned: 3, refused: 1 });
  expect(left(folder).length).toBe(4);
  const applied = await stack.dsx(['apply', summary.job, '--json']);
  expect(applied.code).toBe(4);
  expect(summaryOf(applied)).toMatchObject({
    actions: { done: 3, refused: 1 },
    gaps: [{ class: 'action_failed', count: 1 }],
  });
  expect(left(folder)).toEqual(['bad-1.com']);
  for (const row of await rowsOf(summaryOf(applied).job)) {
    if (row.location === 'bad-1.com') expect(row).toMatchObject({ state: 'refused', code: 'version_changed' });
    else expect(readFileSync(row.destination ?? '', 'latin1')).toBe(EICAR);
  }
  const again = await stack.dsx(['apply', summary.job, '--json']);
  const rows = await rowsOf(summaryOf(again).job);
  expect(rows.filter(({ code }) => code === 'already_applied').length).toBe(3);
  const { job, root } = summaryOf(again);
  expect((await stack.dsx(['ledger', 'verify', job, '--root', root ?? ''])).code).toBe(0);
}, 120_000);

test('what can not be: unknown jobs and sources, jobs without a plan, wrong numbers', async () => {
  const folder = infected('wrong', 2);
  const { summary } = await stack.scan(folder, '--action', 'nothing');
  const fails = async (args: string[], code: number, text: string) => {
    const ran = await stack.dsx(args);
    expect([ran.code, ran.stdout]).toEqual([code, '']);
    expect(ran.stderr).toContain(text);
  };
  await Promise.all([
    fails(['apply', summary.job], 2, 'planned nothing'),
    fails(['apply', 'job-none'], 2, 'no job'),
    fails(['approvals', 'no-such-connector'], 2, 'no connector'),
    fails(['approve', folder, '--through', '1', '--list', '0123456789abcdef'], 2, 'Nothing waits'),
    fails(['approve', folder, '--through', '0', '--list', 'x'], 2, 'sequence number'),
    fails(['approve', folder, '--through', '1', '--list', 'x'], 2, 'hash of the list'),
    fails(['approve', folder, '--through', '1'], 2, '--list'),
    fails(['reject', folder, '--through', '1', '--list', '0123456789abcdef', '--only', '3-1'], 2, '1,2,5-7'),
    fails(['scan', folder, '--scanner', 'standin', '--max-actions', '3/zero'], 2, '3/1h'),
  ]);
  const dry = await stack.scan(folder, '--action', 'delete', '--dry-run');
  await fails(['apply', dry.summary.job, '--findings', '9-9:9'], 2, '9-9:9');
  const some = (await rowsOf(dry.summary.job)).find((row) => row.location === 'bad-0.com');
  const one = await stack.dsx(['apply', dry.summary.job, '--findings', some?.item ?? '', '--json']);
  expect(summaryOf(one).actions.done).toBe(1);
  expect(left(folder)).toEqual(['a\nb.com']);
}, 120_000);
