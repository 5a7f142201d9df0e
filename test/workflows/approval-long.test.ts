import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { countWaiting } from '../../domain/approval.ts';
import { actionsOf, applyResult, decideAs, gateOf, infect, left, verified, viewOf } from '../support/approval.ts';
import { Plant } from '../support/plant.ts';

let plant: Plant;
beforeAll(async () => {
  // A server that suggests continuing as new after so few events that gate and jobs need several runs.
  plant = await Plant.start({}, ['limit.historyCount.suggestContinueAsNew=40']);
  await plant.worker({ DSXCONNECT_PAGE_ITEMS: '10' });
});
afterAll(() => plant.stop());

it('a gate and an apply job go on in new runs: no finding is lost or decided about twice, no permit forgotten', async () => {
  const folder = infect(path.join(plant.folder, 'long'), 200);
  const settings = { action: 'delete', maxActions: 5, maxActionsWindow: 3600 } as const;
  const scan = await plant.start(settings, { source: plant.source(folder) });
  const scanned = await scan.result();
  expect(scanned).toMatchObject({ listed: 201, actions: { done: 5, 'awaiting-approval': 195 } });
  await verified(plant, scan.job, scanned.root);
  const { firstExecutionRunId } = await firstRun();
  const { runId } = await gateOf(plant, folder).describe();
  expect(runId).not.toBe(firstExecutionRunId);
  const { waiting, permits } = await viewOf(plant, folder);
  expect(countWaiting(waiting)).toBe(195);
  expect(permits.reduce((sum, { count }) => sum + count, 0)).toBe(5);

  const { decision } = await decideAs(plant, folder, { verdict: 'approve', through: 195, actor: 'ann' });
  expect(decision).toMatchObject({ count: 195, findings: [[1, 195]] });
  const job = decision.jobs[0]?.job ?? '';
  const result = await applyResult(plant, job);
  expect(result).toMatchObject({ state: 'completed', actions: { done: 195 } });
  await verified(plant, job, result.root);
  expect(left(folder)).toEqual([]);
  expect(new Set((await actionsOf(plant, job)).map((row) => row.location)).size).toBe(195);

  async function firstRun() {
    const found = [];
    const query = `WorkflowId = "${gateOf(plant, folder).workflowId}"`;
    for await (const run of plant.client.workflow.list({ query })) found.push(run);
    found.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
    return { firstExecutionRunId: found[0]?.runId };
  }
}, 90_000);

it('a gate ends when it has nothing to remember, and the next scan starts it anew', async () => {
  const folder = infect(path.join(plant.folder, 'short'), 2);
  const settings = { action: 'tag', maxActions: 100, maxActionsWindow: 1 } as const;
  for (let i = 0; i < 2; i++) {
    const scan = await plant.start(settings, { source: plant.source(folder) });
    expect(await scan.result()).toMatchObject({ state: 'completed', actions: { done: 2 } });
    await gateOf(plant, folder).result();
  }
}, 60_000);
