import { afterEach, expect, test } from 'vitest';
import { honoursFairness } from '../../api/fairness.ts';
import { Plant } from '../support/plant.ts';

let plant: Plant;
afterEach(() => plant.stop());

test.each([
  ['a server set up by us honours fairness keys', [], true],
  ['four partitions do not hide it', partitions(4), true],
  ['one as it comes does not, and is found out', ['matching.enableFairness=false'], false],
  ['nor with four partitions', ['matching.enableFairness=false', ...partitions(4)], false],
])(
  '%s',
  async (_what, settings, honours) => {
    plant = await Plant.start({}, settings);
    await plant.worker({ DSXCONNECT_WORKER_ROLES: 'orchestrator' });
    expect(await honoursFairness(plant.client)).toBe(honours);
  },
  60_000,
);

function partitions(count: number): string[] {
  return ['Read', 'Write'].map((way) => `matching.numTaskqueue${way}Partitions=${count}`);
}
