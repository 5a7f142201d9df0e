import { expect, it } from 'vitest';
import { Pace } from '../../connectors/filesystem/pace.ts';

/** Items that go the other way after one slow call. */
function skipped(pace: Pace): number {
  let count = 0;
  while (!pace.atOnce()) count += 1;
  return count;
}

it('goes at once while calls are quick', () => {
  const pace = new Pace();
  for (let i = 0; i < 10_000; i++) {
    expect(pace.atOnce()).toBe(true);
    pace.took(0.004);
  }
});

it('a slow call sends items the other way, for longer each time, up to a bound', () => {
  const pace = new Pace();
  const spans: number[] = [];
  for (let i = 0; i < 10; i++) {
    pace.took(8);
    spans.push(skipped(pace));
  }
  expect(spans).toEqual([64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 16_384]);
});

it('many quick calls make the slow ones forgotten', () => {
  const pace = new Pace();
  for (let i = 0; i < 5; i++) pace.took(8);
  skipped(pace);
  for (let i = 0; i < 1_024; i++) pace.took(0.01);
  pace.took(8);
  expect(skipped(pace)).toBe(64);
});
