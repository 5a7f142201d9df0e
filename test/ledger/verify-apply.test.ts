import { beforeEach, describe, expect, it } from 'vitest';
import { type ActionIntent, type ActionRow, noActions } from '../../domain/action.ts';
import { noCounters } from '../../domain/outcome.ts';
import { type JobLedger, openLedgerStore } from '../../ledger/ledger.ts';
import type { Account, ActionResult } from '../../ledger/types.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { AT, headerOf, WRITER } from './fixture.ts';
import { createMemoryStore } from './memory-store.ts';

let job: JobLedger;
beforeEach(async () => {
  job = (await openLedgerStore(createMemoryStore())).job('apply-1');
});

const intent = (i: number): ActionIntent => ({
  finding: `scan-1/0-0:${i}`,
  item: { location: `bad-${i}` },
  judged: { version: `v${i}`, size: 68 },
  action: 'move',
  destination: `scan-1/0-0-${i}.quarantined`,
  provenance: {
    job: 'scan-1',
    connector: 'c',
    verdict: 'Malicious',
    sha256: 'a'.repeat(64),
    standIn: false,
    judgedAt: AT,
  },
});
const row = (i: number, more: Partial<ActionRow> = {}): ActionRow => ({
  finding: `scan-1/0-0:${i}`,
  item: `0-0:${i}`,
  location: `bad-${i}`,
  action: 'move',
  state: 'done',
  code: 'applied',
  version: `v${i}`,
  by: 'approved by ann',
  at: AT,
  ...more,
});

const undone = (i: number): ActionRow => ({ ...row(i), sha256: 'a'.repeat(64), undo: { kind: 'test', at: i } });
const back = (i: number, more: Partial<ActionRow> = {}): ActionRow => {
  const { undo: _, ...head } = undone(i);
  return { ...head, action: 'restore', by: 'restore of scan-1, ordered by ann', ...more };
};

/** An apply job with so many intents, whose rows come in these batches. */
async function build(
  count: number,
  batches: readonly (readonly ActionRow[])[],
  gaps: Account['gaps'] = [],
  why: 'approved' | 'restore' = 'approved',
) {
  const header = { ...headerOf('apply-1', { action: 'move' }), kind: 'apply' as const };
  const order = { why, job: 'scan-1', by: 'ann', at: AT, findings: count };
  const { hash } = await job.writeHeader({ ...header, order });
  const each = Array.from({ length: count }, (_, i) => i);
  const intents =
    why === 'restore'
      ? await job.writeUndone('restore-0', each.map(undone), WRITER)
      : await job.writeIntents('approved-0', each.map(intent), WRITER);
  const actions: ActionResult[] = [];
  const last = new Map<string, ActionRow>();
  for (const rows of batches) {
    const counts = noActions();
    for (const one of rows) {
      counts[one.state] += 1;
      last.set(one.item, one);
    }
    actions.push({ segment: await job.writeActions('b', rows, WRITER), counts, intents });
  }
  const states = noActions();
  for (const { state } of last.values()) states[state] += 1;
  const account: Account = {
    state: gaps.length > 0 ? 'completed_with_gaps' : 'completed',
    listed: 0,
    listedBytes: 0,
    listingDone: true,
    outside: 0,
    counters: noCounters(),
    actions: states,
    gaps,
    endedAt: AT,
  };
  const body = { format: 1 as const, job: 'apply-1', number: 1, previous: hash, indexes: [], pages: [], actions };
  const root = await job.writeCommit({ ...body, counters: noCounters(), account });
  return await verifyJob(job, { root: root.hash });
}
const told = async (report: ReturnType<typeof build>) =>
  (await report).problems.map(({ message }) => message).join('\n');

describe('the ledger of an apply job', () => {
  it('is authentic when each row carries out an intent of the job', async () => {
    const rejected = row(3, { state: 'refused', code: 'rejected' });
    const report = await build(4, [
      [row(0), row(1)],
      [row(2, { state: 'failed', code: 'not_found' }), rejected],
    ]);
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({ authentic: true, checked: { actions: 4, pages: 0 }, strays: { count: 0 } });
  });

  it.each([
    ['a finding that the job was not given', row(9), 'was given no such finding'],
    ['another finding of the same place', row(0, { finding: 'scan-2/0-0:0' }), 'names the finding "scan-2/0-0:0"'],
    ['another location', row(0, { location: 'elsewhere' }), 'another location'],
    ['another version', row(0, { version: 'v9' }), 'another version'],
    ['another action', row(0, { action: 'delete' }), 'delete instead of move'],
  ])('is not when a row acts on %s', async (_, bent, message) => {
    expect(await told(build(1, [[bent]]))).toContain(message);
  });

  it('is not when an intent has no row, or came to nothing, and no gap says so', async () => {
    expect(await told(build(3, [[row(0)]]))).toContain('2 malicious items have no action row');
    const failed = row(0, { state: 'failed', code: 'storage_error' });
    job = (await openLedgerStore(createMemoryStore())).job('apply-1');
    expect(await told(build(1, [[failed]]))).toContain('1 actions came to nothing');
    job = (await openLedgerStore(createMemoryStore())).job('apply-1');
    expect((await build(1, [[failed]], [{ class: 'action_failed', count: 1 }])).problems).toEqual([]);
  });
});

describe('the ledger of a restore', () => {
  const restore = (count: number, rows: readonly ActionRow[], gaps: Account['gaps'] = []) =>
    build(count, [rows], gaps, 'restore');

  it('is authentic when each row tells of an action that was to be undone', async () => {
    const taken = back(1, { state: 'failed', code: 'destination_taken' });
    const report = await restore(2, [back(0), taken], [{ class: 'action_failed', count: 1 }]);
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({ authentic: true, checked: { actions: 2 } });
  });

  it.each([
    ['moves instead of putting back', row(0), 'move instead of restore'],
    ['puts back what it was not given', back(9), 'was given no such finding'],
    ['puts back to another location', back(0, { location: 'elsewhere' }), 'another location'],
    ['names another version', back(0, { version: 'v9' }), 'another version'],
    ['names another hash', back(0, { sha256: 'b'.repeat(64) }), 'another hash'],
  ])('is not when a row %s', async (_, bent, message) => {
    expect(await told(restore(1, [bent]))).toContain(message);
  });

  it.each(['not_found', 'destination_taken', 'version_changed'] as const)(
    'is not when an item is not back (%s), and no gap says so',
    async (code) => {
      expect(await told(restore(1, [back(0, { state: 'failed', code })]))).toContain('1 actions came to nothing');
    },
  );

  it('is a job of its own: a job that acts on findings puts nothing back', async () => {
    expect(await told(build(1, [[back(0)]]))).toContain('restore instead of move');
  });
});
