import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActionRow } from '../../domain/action.ts';
import { listHash, type Order, type Span, type Verdict } from '../../domain/approval.ts';
import type { ScanSettings } from '../../domain/job.ts';
import { recent } from '../../workflows/action-gate/permits.ts';
import {
  applyWorkflowId,
  type DecideAnswer,
  type DecideRequest,
  GATE,
  QUEUE,
  type StartAnswer,
  type StartRequest,
  UPDATE,
  WORKFLOW,
} from '../../workflows/messages.ts';
import type { JobResult } from '../../workflows/scan-job/state.ts';
import { actionsOf, applyResult, decideAs, gateOf, infect, left, verified, viewOf } from '../support/approval.ts';
import { EICAR } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

let plant: Plant;
let folders = 0;
let jobs = 0;

beforeAll(async () => {
  plant = await Plant.start();
  await plant.worker();
});
afterAll(() => plant.stop());

const infected = (count: number): string => infect(path.join(plant.folder, `f${++folders}`), count);
const gate = (folder: string) => gateOf(plant, folder);
const view = (folder: string) => viewOf(plant, folder);
const decide = (folder: string, verdict: Verdict, through: number, only?: readonly Span[], actor = 'ann') =>
  decideAs(plant, folder, { verdict, through, actor, ...(only !== undefined && { only }) });
const expectVerified = (job: string, root: string) => verified(plant, job, root);
const actions = (job: string) => actionsOf(plant, job);

const resultOf = (job: string, order?: Order) => applyResult(plant, job, order);

/** Starts an apply job for the plan of a job, as the API does. */
async function apply(folder: string, of: string, settings: Partial<ScanSettings> = {}, items?: string[]) {
  const order: Order = { why: 'planned', job: of, by: 'ann', at: new Date().toISOString() };
  const request: StartRequest = {
    job: `apply-${++jobs}`,
    kind: 'apply',
    source: plant.source(folder),
    settings: { filter: '', action: 'delete', dryRun: false, scanner: 'standin', ...settings },
    actor: 'ann',
    order,
    ...(items !== undefined && { items }),
  };
  const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOW.applyActions, {
    workflowId: applyWorkflowId(request.job, order),
    taskQueue: QUEUE.orchestrate,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [request],
  });
  const answer = await plant.client.workflow.executeUpdateWithStart<
    (request: StartRequest) => Promise<JobResult>,
    StartAnswer,
    [StartRequest]
  >(UPDATE.start, { args: [request], startWorkflowOperation });
  return { ...answer, result: () => resultOf(answer.job, order) };
}

describe('maxActions', () => {
  it('holds actions and never the scan; approved ones are carried out, rejected ones stay, with who and when', async () => {
    const folder = infected(10);
    const quarantine = path.join(plant.home, 'q1');
    const settings = { action: 'move', quarantine, maxActions: 3, maxActionsWindow: 3600 } as const;
    const scan = await plant.start(settings, { source: plant.source(folder) });
    const result = await scan.result();
    expect(result).toMatchObject({ state: 'completed_with_gaps', actions: { done: 3, 'awaiting-approval': 7 } });
    expect((await scan.rows()).length).toBe(11);
    await expectVerified(scan.job, result.root);
    expect(left(folder).length).toBe(7);
    expect(await view(folder)).toMatchObject({
      permits: [{ count: 3 }],
      waiting: [{ first: 1, job: scan.job, from: 3, to: 10 }],
    });

    // The next scan starts, finds the seven again, and they wait once more, behind.
    const again = await plant.start(settings, { source: plant.source(folder) });
    expect(again.joined).toBe(false);
    expect(await again.result()).toMatchObject({ actions: { done: 0, 'awaiting-approval': 7 } });

    const before = new Set(left(folder));
    const waiting = (await actions(scan.job)).filter((row) => row.state === 'awaiting-approval');
    const approved = await decide(folder, 'approve', 7, [[1, 5]]);
    expect(approved).toMatchObject({ waiting: 9, decision: { by: 'ann', count: 5, findings: [[1, 5]] } });
    const rejected = await decide(folder, 'reject', 7, [[6, 7]], 'bob');
    const [yes, no] = [approved.decision.jobs[0]?.job ?? '', rejected.decision.jobs[0]?.job ?? ''];
    const [done, refused] = [await resultOf(yes), await resultOf(no)];
    expect(done).toMatchObject({ state: 'completed', listed: 0, actions: { done: 5 } });
    expect(refused).toMatchObject({ state: 'completed', actions: { refused: 2 } });
    await expectVerified(yes, done.root);
    await expectVerified(no, refused.root);

    // Exactly those, on disk and in the ledgers.
    const named = (rows: readonly ActionRow[]) => rows.map((row) => row.location).sort();
    const [doneRows, refusedRows] = [await actions(yes), await actions(no)];
    expect(named([...doneRows, ...refusedRows])).toEqual(named(waiting));
    expect(left(folder)).toEqual(named(refusedRows));
    expect(named(doneRows)).toEqual([...before].filter((name) => !left(folder).includes(name)).sort());
    for (const row of doneRows) {
      expect(row).toMatchObject({ state: 'done', code: 'applied' });
      expect(row.by).toBe(`approved by ann at ${approved.decision.at}`);
      expect(readFileSync(row.destination ?? '', 'latin1')).toBe(EICAR);
    }
    for (const row of refusedRows) {
      expect(row).toMatchObject({
        state: 'refused',
        code: 'rejected',
        by: `rejected by bob at ${rejected.decision.at}`,
      });
    }
    expect((await plant.ledger.job(yes).header())?.order).toMatchObject({ why: 'approved', job: scan.job, by: 'ann' });
    expect((await view(folder)).decided.map(({ by, verdict, count }) => [by, verdict, count])).toEqual([
      ['ann', 'approve', 5],
      ['bob', 'reject', 2],
    ]);

    // Five of those that the second scan left are gone by now: approved all the same, nothing is done twice.
    const late = await decide(folder, 'approve', 14);
    const last = await resultOf(late.decision.jobs[0]?.job ?? '');
    expect(last.actions).toMatchObject({ done: 2, failed: 5 });
    const codes = (await actions(last.job)).map((row) => row.code).sort();
    expect(codes).toEqual(['applied', 'applied', ...Array.from({ length: 5 }, () => 'not_found')]);
    expect(left(folder)).toEqual([]);
    expect((await view(folder)).waiting).toEqual([]);
  }, 60_000);

  it('refuses a decision about a list that somebody changed meanwhile', async () => {
    const folder = infected(4);
    const scan = await plant.start({ action: 'delete', maxActions: 0 }, { source: plant.source(folder) });
    expect(await scan.result()).toMatchObject({ actions: { done: 0, 'awaiting-approval': 4 } });
    const { waiting } = await view(folder);
    const request = (job: string): DecideRequest => ({
      verdict: 'approve',
      through: 4,
      list: listHash(waiting, 4),
      actor: 'ann',
      job,
    });
    const both = await Promise.allSettled(
      ['race-1', 'race-2'].map((job) =>
        gate(folder).executeUpdate<DecideAnswer, [DecideRequest]>(GATE.decide, { args: [request(job)] }),
      ),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const lost = both.find((one) => one.status === 'rejected');
    expect(lost?.reason).toMatchObject({ cause: { type: expect.stringMatching(/^(list_changed|not_waiting)$/) } });
    const won = both.find((one) => one.status === 'fulfilled')?.value as DecideAnswer;
    expect(await resultOf(won.decision.jobs[0]?.job ?? '')).toMatchObject({ actions: { done: 4 } });
    expect(left(folder)).toEqual([]);
  }, 60_000);

  it("forgets permits once the window has passed, and a gate that Temporal's Cancel meets keeps its list", async () => {
    const folder = infected(6);
    const settings = { action: 'delete', maxActions: 2, maxActionsWindow: 1 } as const;
    const first = await plant.start(settings, { source: plant.source(folder) });
    await first.result();
    expect(left(folder).length).toBe(4);
    await gate(folder).cancel();
    const { permits } = await view(folder);
    while (recent(permits, Date.now(), 1000) > 0) await new Promise((resolve) => setImmediate(resolve));
    const second = await plant.start(settings, { source: plant.source(folder) });
    expect(await second.result()).toMatchObject({ actions: { done: 2, 'awaiting-approval': 2 } });
    expect((await view(folder)).waiting.length).toBe(2);
    const { decision } = await decide(folder, 'approve', 4);
    expect((await resultOf(decision.jobs[0]?.job ?? '')).actions).toMatchObject({ done: 2, failed: 2 });
  }, 60_000);
});

describe('a plan', () => {
  it('is carried out later, on the versions that were judged and on no other', async () => {
    const folder = infected(5);
    const quarantine = path.join(plant.home, 'q2');
    const settings = { action: 'move', quarantine } as const;
    const scan = await plant.start({ ...settings, dryRun: true }, { source: plant.source(folder) });
    expect(await scan.result()).toMatchObject({ state: 'completed', actions: { planned: 5 } });
    expect(left(folder).length).toBe(5);
    writeFileSync(path.join(folder, 'bad-02.com'), 'harmless by now'.padEnd(EICAR.length));

    const tried = await apply(folder, scan.job, { ...settings, dryRun: true });
    const tryResult = await tried.result();
    expect(tryResult).toMatchObject({ state: 'completed', actions: { planned: 4, refused: 1 } });
    await expectVerified(tried.job, tryResult.root);
    expect(left(folder).length).toBe(5);

    const applied = await apply(folder, scan.job, settings);
    const result = await applied.result();
    expect(result).toMatchObject({ state: 'completed_with_gaps', actions: { done: 4, refused: 1 } });
    await expectVerified(applied.job, result.root);
    expect(left(folder)).toEqual(['bad-02.com']);
    const rows = await actions(applied.job);
    expect(rows.find((row) => row.location === 'bad-02.com')).toMatchObject({
      state: 'refused',
      code: 'version_changed',
    });
    expect(rows[0]?.by).toMatch(new RegExp(`^plan of ${scan.job}, ordered by ann at `));

    // A second time it finds everything done, and acts on nothing.
    const files = readdirSync(quarantine, { recursive: true }).sort();
    const twice = await apply(folder, scan.job, settings);
    expect(await twice.result()).toMatchObject({ actions: { done: 4, refused: 1 } });
    const codes = (await actions(twice.job)).map((row) => row.code);
    expect(codes.filter((code) => code === 'already_applied').length).toBe(4);
    expect(readdirSync(quarantine, { recursive: true }).sort()).toEqual(files);
  }, 60_000);

  it('asked for twice at once is one job; only the items named are acted on; the brake holds it too', async () => {
    const folder = infected(5);
    const scan = await plant.start({ action: 'delete', dryRun: true }, { source: plant.source(folder) });
    await scan.result();
    const items = (await actions(scan.job)).slice(0, 4).map((row) => row.item);
    const settings = { action: 'delete', maxActions: 1, maxActionsWindow: 3600 } as const;
    const [one, two] = await Promise.all([0, 1].map(() => apply(folder, scan.job, settings, items)));
    expect(one?.job).toBe(two?.job);
    expect([one?.joined, two?.joined].sort()).toEqual([false, true]);
    const result = await one?.result();
    expect(result).toMatchObject({ state: 'completed_with_gaps', actions: { done: 1, 'awaiting-approval': 3 } });
    await expectVerified(one?.job ?? '', result?.root ?? '');
    const { decision } = await decide(folder, 'approve', 3);
    const approved = await resultOf(decision.jobs[0]?.job ?? '');
    expect(approved.actions).toMatchObject({ done: 3 });
    await expectVerified(approved.job, approved.root);
    expect(left(folder).length).toBe(1);
  }, 60_000);
});

it('what was rejected is written down also when the storage is away; an apply job that is cancelled accounts for all of it', async () => {
  const folder = infected(200);
  const scan = await plant.start({ action: 'tag', maxActions: 0 }, { source: plant.source(folder) });
  expect(await scan.result()).toMatchObject({ actions: { 'awaiting-approval': 200 } });
  const approved = (await decide(folder, 'approve', 199)).decision.jobs[0]?.job ?? '';
  const steered = plant.client.workflow.getHandle(`apply:${approved}`);
  await steered.executeUpdate(UPDATE.cancel, { args: [{ job: approved, actor: 'bob' }] });
  const cancelled = await resultOf(approved);
  await expectVerified(approved, cancelled.root);
  const account = (await plant.ledger.job(approved).head())?.body.account;
  const waits = account?.gaps.find((gap) => gap.class === 'action_waiting')?.count ?? 0;
  expect(account?.state).toBe('cancelled');
  expect(waits + cancelled.actions.done).toBe(199);
  expect(readdirSync(folder).filter((name) => name.endsWith('.dsx-tags.json')).length).toBe(cancelled.actions.done);

  renameSync(folder, `${folder}-away`);
  const rejected = (await decide(folder, 'reject', 200)).decision.jobs[0]?.job ?? '';
  expect(await resultOf(rejected)).toMatchObject({ state: 'completed', actions: { refused: 1 } });
}, 60_000);
