import { afterAll, beforeAll, expect, it } from 'vitest';
import { EICAR, writeFiles } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

let plant: Plant;
beforeAll(async () => {
  plant = await Plant.start();
});
afterAll(() => plant.stop());

it('every activity of a scan is missed within 10 s when its worker is gone', async () => {
  writeFiles(plant.folder, { 'good.txt': 'good', 'bad.com': EICAR });
  await plant.worker();
  const scan = await plant.start({ action: 'move', quarantine: `${plant.home}/quarantine` });
  expect(await scan.result()).toMatchObject({ state: 'completed', actions: { done: 1 } });
  const { events } = await plant.client.workflow.getHandle(scan.workflowId).fetchHistory();
  const scheduled = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: one }) => (one ? [one] : []));
  const timeouts = new Map(
    scheduled.map((one) => [one.activityType?.name, Number(one.heartbeatTimeout?.seconds ?? 0)]),
  );
  const all = ['beginJob', 'openJob', 'probe', 'planPages', 'scanPage', 'planActions', 'applyActions', 'commitPages'];
  expect([...timeouts.keys()].sort()).toEqual([...all, 'publishStatus'].sort());
  for (const [name, seconds] of timeouts) expect([name, seconds]).toEqual([name, 10]);
});
