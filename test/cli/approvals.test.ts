import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import type { SourceApprovals } from '../../api/contract.ts';
import { brakeArgument } from '../../cli/job/brake.ts';
import { accountText } from '../../cli/render/account.ts';
import { approvalsText, decidedText, sourcesText } from '../../cli/render/approvals.ts';
import { progressLine, progressLines } from '../../cli/render/progress.ts';
import type { Style } from '../../cli/render/style.ts';
import { parseSeconds, secondsText } from '../../domain/duration.ts';
import { endedJob } from './samples.ts';

const same = (text: string): string => text;
const plain: Style = { columns: 100, good: same, warn: same, bad: same, faint: same, strong: same };
const AT = '2026-11-23T08:46:00.000Z';
const source = { kind: 'folder', id: 'folder-0123456789abcdef', path: '/srv/sha re' } as const;

const page: SourceApprovals = {
  source,
  waiting: 9,
  findings: [
    {
      sequence: 6,
      job: 'job-1',
      finding: 'job-1/0-0:3',
      location: 'a\u001b[31m\n.com',
      action: 'move',
      version: 'v1',
      size: 68,
      sha256: 'ab'.repeat(32),
      verdict: 'Malicious',
      threat: 'Tro\njan',
      standIn: true,
      judgedAt: AT,
      since: AT,
    },
  ],
  through: 6,
  list: '0123456789abcdef',
  next: 6,
  decided: [
    {
      verdict: 'reject',
      by: 'bob\n',
      at: AT,
      reason: 'ours\u001b',
      through: 5,
      list: 'x',
      findings: [
        [1, 3],
        [5, 5],
      ],
      count: 4,
      jobs: [{ job: 'job-9', of: 'job-1', findings: 4 }],
    },
  ],
};

describe('approvals', () => {
  it('tell what waits, and what to type, in a way that can not steer a terminal', () => {
    const text = approvalsText(page, '/srv/sha re', plain);
    expect(text).toContain('6  move     Tro\\njan  a\\x1b[31m\\n.com');
    expect(text).toContain(`68 B, sha256 ${'ab'.repeat(32)}, judged ${AT} by a stand-in, job job-1`);
    expect(text).toContain("dsx approve '/srv/sha re' --through 6 --list 0123456789abcdef");
    expect(text).toContain("dsx approvals '/srv/sha re' --after 6");
    expect(text).toContain('more waits than is shown');
    expect(text).toContain(`${AT}  rejected 4 (1-3,5) by bob\\n: ours\\x1b; job-9`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is tested.
    expect(text).not.toMatch(/\u001b/);
  });

  it('say so when nothing waits', () => {
    const { through: _, list: __, next: ___, ...rest } = page;
    const text = approvalsText({ ...rest, waiting: 0, findings: [], decided: [] }, 'share', plain);
    expect(text).toBe('/srv/sha re: nothing waits');
    expect(sourcesText({ sources: [] }, plain)).toBe('nothing waits for approval');
    expect(sourcesText({ sources: [{ source, waiting: 1, since: AT }] }, plain)).toBe(
      `/srv/sha re  1 finding wait, the first since ${AT}\n  dsx approvals ${source.id}`.replace(
        'finding wait',
        'finding waits',
      ),
    );
  });

  it('and what was decided is one line', () => {
    const [decision] = page.decided;
    const jobs = [{ job: 'job-9', of: 'job-1', findings: 4, links: { self: '' } }];
    expect(decidedText({ ...(decision as NonNullable<typeof decision>), source: 'share', jobs, waiting: 2 })).toBe(
      'rejected 4 findings: job job-9 (of job-1); 2 still wait',
    );
  });
});

it('the account of an apply job says whose findings it acted on, by whose word, and with what result', () => {
  const job = endedJob({
    kind: 'apply',
    listed: 0,
    order: { why: 'approved', job: 'job-1', by: 'ann', at: AT, findings: 5, reason: 'seen' },
    actions: { planned: 0, 'awaiting-approval': 0, done: 4, failed: 0, refused: 1 },
    gaps: [{ class: 'action_failed', count: 1 }],
    state: 'completed_with_gaps',
  });
  const text = accountText(job, [], plain);
  expect(text).toContain('applies     approved findings of job job-1');
  expect(text).toContain(`ordered     by ann at ${AT}`);
  expect(text).toContain('4 done, 1 refused');
  expect(text).toContain('gaps (1)');
  expect(text).toContain(`dsx ledger show ${job.job} --actions`);
  expect(text).not.toContain('listed');
  const now = new Date(AT);
  const rates = { itemsPerSecond: 0, bytesPerSecond: 0, etaSeconds: undefined };
  expect(progressLine(job, rates, now)).toBe('08:46:00Z completed_with_gaps: actions of 5 findings: 4 done, 1 refused');
  for (const line of progressLines(job, rates, { ...plain, columns: 40 }, now)) expect(line.length).toBeLessThan(40);
});

describe('lengths of time and brakes', () => {
  it('are read as people write them', () => {
    expect(['90s', '30m', '1h', 'h', '2 d', '1H'].map(parseSeconds)).toEqual([90, 1800, 3600, 3600, 172_800, 3600]);
    for (const text of ['', '1', '0s', '1w', '1.5h', '-1h', '1h 30m']) expect(parseSeconds(text)).toBeUndefined();
    for (const text of ['90s', '59m', '1h', '25h', '31d']) expect(secondsText(parseSeconds(text) ?? 0)).toBe(text);
    expect(secondsText(3600)).toBe('1h');
  });

  it('of --max-actions', () => {
    expect(brakeArgument('3')).toEqual({ maxActions: 3 });
    expect(brakeArgument('0/h')).toEqual({ maxActions: 0, maxActionsWindow: 3600 });
    expect(brakeArgument(' 100 / 30m')).toEqual({ maxActions: 100, maxActionsWindow: 1800 });
    for (const text of ['', '-1', '3/', '3/1', '3/32d', 'x', '3.5']) {
      expect(() => brakeArgument(text)).toThrow(InvalidArgumentError);
    }
  });
});
