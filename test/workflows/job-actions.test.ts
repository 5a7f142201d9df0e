import { describe, expect, it } from 'vitest';
import { noActions } from '../../domain/action.ts';
import type { Order } from '../../domain/approval.ts';
import type { ScanSettings } from '../../domain/job.ts';
import { noOutcomes } from '../../domain/outcome.ts';
import type { StartRequest } from '../../workflows/messages.ts';
import { ScanJob } from '../../workflows/scan-job/scan-job.ts';

const NOW = '2026-11-23T00:00:00.000Z';
const ref = (name: string) => ({ name, hash: name });
const settings: ScanSettings = { filter: '', action: 'move', dryRun: false, scanner: 'dsxa', maxActions: 3 };
const order: Order = { why: 'planned', job: 'job-0', by: 'ann', at: NOW };
const rows = (more: Partial<ReturnType<typeof noActions>>) => ({
  segment: ref('rows'),
  counts: { ...noActions(), ...more },
});

function begun(changes: Partial<StartRequest> = {}): ScanJob {
  const job = ScanJob.begin(
    { job: 'job-1', kind: 'apply', source: { kind: 'connector', id: 'c' }, settings, actor: 'ann', order, ...changes },
    NOW,
  );
  job.begun(ref('header'));
  job.opened({ fingerprint: 'disk' });
  return job;
}
/** A job whose 30 intents are ready. */
function ready(changes: Partial<StartRequest> = {}): ScanJob {
  const job = begun(changes);
  expect(job.actions.takeGathering()).toBe(true);
  job.actions.gathered({ batches: [{ intents: ref('i'), count: 30 }], rows: [] });
  return job;
}

describe('actions past a brake', () => {
  it('are asked about by the batch; what is granted is carried out, and the rest counts as waiting', () => {
    const job = ready();
    const [first, second] = [job.actions.take(), job.actions.take()];
    expect([first, second]).toMatchObject([
      { from: 0, to: 25, ask: true },
      { from: 25, to: 30, ask: true },
    ]);
    expect(job.actions.take()).toBeUndefined();
    job.actions.asked(second as never, { granted: 0, held: rows({ 'awaiting-approval': 5 }), dropped: 0 });
    job.actions.asked(first as never, { granted: 3, held: rows({ 'awaiting-approval': 20, refused: 2 }), dropped: 2 });
    expect(job.over).toBe(false);
    const pass = job.actions.take();
    expect(pass).toMatchObject({ from: 0, to: 3, ask: false });
    job.actions.applied({ result: rows({ done: 3 }), unresolved: 0 }, pass as never);
    expect(job.over).toBe(true);
    expect(job.lastCommit(NOW).account).toMatchObject({
      state: 'completed_with_gaps',
      actions: { done: 3, 'awaiting-approval': 25, refused: 2 },
      gaps: [
        { class: 'action_failed', count: 2 },
        { class: 'action_waiting', count: 25 },
      ],
    });
  });

  it('that were granted and could not be carried out are not asked about again, also in the next run', () => {
    const job = ready();
    const asked = job.actions.take();
    job.actions.asked(asked as never, { granted: 25, dropped: 0 });
    const task = job.actions.take();
    expect(task).toMatchObject({ from: 0, to: 25, ask: false });
    job.actions.notDone(task as never);
    const next = new ScanJob(JSON.parse(JSON.stringify(job.state)));
    expect(next.actions.take()).toMatchObject({ from: 0, to: 25, ask: false });
    expect(next.actions.take()).toMatchObject({ from: 25, to: 30, ask: true });
  });

  it('that nobody answered for are asked about again, as before', () => {
    const job = ready();
    const asked = job.actions.take();
    job.actions.notDone(asked as never);
    expect(job.actions.take()).toEqual(asked);
  });

  it.each<[string, Partial<StartRequest>]>([
    ['a person approved them', { order: { ...order, why: 'approved' } }],
    ['nothing is touched', { settings: { ...settings, dryRun: true } }],
    ['no maximum is set', { settings: { filter: '', action: 'move', dryRun: false, scanner: 'dsxa' } }],
  ])('need not ask when %s', (_, changes) => {
    expect(ready(changes).actions.take()).toMatchObject({ ask: false });
  });

  it('of a scan are asked about too', () => {
    const job = begun({ kind: 'full' });
    expect(job.actions.takeGathering()).toBe(false);
    const counters = { outcomes: { ...noOutcomes(), malicious: 2 }, bytes: 1, standIn: 0 };
    job.close({ page: '0-0', listing: ref('l'), items: 2, segment: ref('s'), counters });
    expect(job.actions.takePlan()?.page).toBe('0-0');
    job.actions.planned({ count: 2, intents: ref('i') }, { page: '0-0' });
    expect(job.actions.take()).toMatchObject({ from: 0, to: 2, ask: true });
  });
});

describe('an apply job', () => {
  it('gathers once, forgets what it gathered from, and ends with what was rejected', () => {
    const picks = [{ intents: ref('theirs'), picks: [[0, 1]] as const }];
    const job = begun({ order: { ...order, why: 'rejected', findings: 2 }, picks });
    expect(job.over).toBe(false);
    expect(job.progress().gaps).toEqual([{ class: 'action_waiting', count: 2 }]);
    expect(job.actions.takeGathering()).toBe(true);
    expect(job.actions.takeGathering()).toBe(false);
    job.actions.notGathered();
    expect(job.actions.takeGathering()).toBe(true);
    expect(job.quiet).toBe(false);
    job.actions.gathered({ batches: [], rows: [rows({ refused: 2 })] });
    expect(job.state.request.picks).toBeUndefined();
    expect(job.over).toBe(true);
    expect(job.lastCommit(NOW)).toMatchObject({
      actions: [{ counts: { refused: 2 } }],
      account: { state: 'completed', listed: 0, listingDone: true, actions: { refused: 2 }, gaps: [] },
    });
  });

  it('that is cancelled tells how many actions it did not begin', () => {
    const job = ready({ order: { ...order, why: 'approved', findings: 30 } });
    const task = job.actions.take();
    job.cancel({ job: 'job-1', actor: 'bob' }, NOW);
    expect(job.over).toBe(false);
    job.actions.applied({ result: rows({ done: 25 }), unresolved: 0 }, task as never);
    expect(job.over).toBe(true);
    expect(job.lastCommit(NOW).account).toMatchObject({
      state: 'cancelled',
      actions: { done: 25 },
      gaps: [{ class: 'action_waiting', count: 5 }],
    });
  });
});
