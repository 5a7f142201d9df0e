import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../cli/job/exit-code.ts';
import { summaryOf } from '../../cli/job/summary.ts';
import { accountText } from '../../cli/render/account.ts';
import { jobLine, jobsTable, relatedOf } from '../../cli/render/jobs.ts';
import { plainStyle } from '../../cli/render/style.ts';
import { leftText, selectionText } from '../../cli/render/whole.ts';
import { type Counters, noOutcomes } from '../../domain/outcome.ts';
import type { RetryTarget, Whole } from '../../domain/retry.ts';
import { endedJob } from './samples.ts';

const counters = (changes: Partial<Counters['outcomes']>): Counters => ({
  outcomes: { ...noOutcomes(), ...changes },
  bytes: 0,
  standIn: 0,
});
const retry: RetryTarget = { of: 'f-1', first: 'f-1', outcomes: ['failed'] };
const closed: Whole = {
  of: 'f-1',
  jobs: ['f-1', 'r-1'],
  state: 'completed',
  listed: 1000,
  counters: counters({ clean: 1000 }),
  gaps: [],
};
const open: Whole = {
  ...closed,
  state: 'completed_with_gaps',
  counters: counters({ clean: 996, failed: 3, unscannable: 1 }),
  gaps: [
    { class: 'failed', count: 3 },
    { class: 'unscannable', count: 1 },
    { class: 'listing_broken', count: 1, detail: 'EIO' },
  ],
};

describe('what is left', () => {
  test('of a whole that is closed, and by which job', () => {
    expect(leftText({ job: 'r-1', retry, whole: closed })).toBe('job f-1: 0 failed left; closed by job r-1');
    const first = { job: 'f-1', retriedBy: ['r-1', 'r-2'], closedBy: 'r-2', whole: closed };
    expect(leftText(first)).toBe('job f-1: 0 failed left; closed by job r-2');
  });
  test('of one that is not, with what no retry can close', () => {
    expect(leftText({ job: 'r-1', retry, whole: open })).toBe(
      'job f-1: 3 failed left; still open: 1 unscannable, listing_broken',
    );
    const cancelled: Whole = { ...closed, state: 'cancelled' };
    expect(leftText({ job: 'r-1', retry, whole: cancelled })).toContain('it was cancelled: what it did not scan');
    const byStandIn: Whole = { ...closed, counters: { ...closed.counters, standIn: 2 } };
    expect(leftText({ job: 'r-1', retry, whole: byStandIn })).toContain(
      '(2 judged by a stand-in: no proof of anything)',
    );
    expect(leftText({ job: 'f-1' })).toBeUndefined();
  });
  test('is in the account, with which rows were retried', () => {
    const text = accountText(endedJob({ job: 'r-1', kind: 'retry', retry, whole: closed }), [], plainStyle());
    expect(text).toContain('retry of    f-1 (failed)');
    expect(text).toContain(
      'job f-1 with its retry\n  1,000 listed: 1,000 clean\n  job f-1: 0 failed left; closed by job r-1',
    );
    expect(accountText(endedJob(), [], plainStyle())).not.toContain('retr');
  });
  test('a prefix can not steer a terminal', () => {
    const text = selectionText({ ...retry, classes: ['crashed'], prefix: 'a\n\u001b[2J' });
    expect(text).toBe('f-1 (failed; class crashed; below a\\n\\x1b[2J)');
  });
});

test('a retry ends with 4 while anything of the whole is left, and with 0 when nothing is', () => {
  const job = endedJob({ kind: 'retry', retry });
  expect(exitCodeOf({ ...job, whole: closed })).toBe(0);
  expect(exitCodeOf({ ...job, whole: open })).toBe(4);
  expect(exitCodeOf({ ...job, state: 'failed', whole: open })).toBe(5);
  // The account of the first job stays what it was, whatever its retries did.
  expect(exitCodeOf(endedJob({ state: 'completed_with_gaps', whole: closed }))).toBe(4);
});

test('the summary has the whole only where there is one', () => {
  expect(Object.keys(summaryOf(endedJob(), []))).not.toContain('whole');
  const told = summaryOf(endedJob({ job: 'r-1', kind: 'retry', retry, whole: closed }), []);
  expect(told).toMatchObject({ retry, whole: closed, closedBy: 'r-1' });
});

test('the list of jobs says which retries which', () => {
  const base = { state: 'completed', startedAt: '2026-11-23T10:00:00.000Z', listed: 10 };
  const first = { ...base, job: 'f-1', ...relatedOf({ retriedBy: ['r-1'], whole: open }) };
  const lines = [
    jobLine({ ...base, job: 'r-1', ...relatedOf({ retryOf: 'f-1', whole: open }) }, closed.counters),
    jobLine(first, closed.counters),
    jobLine(
      { ...base, job: 'f-2', ...relatedOf({ retriedBy: ['r-2'], closedBy: 'r-2', whole: closed }) },
      closed.counters,
    ),
  ];
  const text = jobsTable(lines, plainStyle(80));
  expect(text).toContain('\n  retry of f-1\n');
  expect(text).toContain('\n  retried by r-1: 5 left\n');
  expect(text).toContain('\n  closed by r-2');
  expect(lines[2]).toMatchObject({ closedBy: 'r-2', left: 0 });
});
