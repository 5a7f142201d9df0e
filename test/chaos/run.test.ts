import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { ChaosResult } from '../../bench/chaos/run.ts';
import { ROOT } from '../../cli/home.ts';

/** A short run of the whole thing, as a user starts it. The first one builds Toxiproxy. */
test('a job whose workers, servers and connections are struck seven times is proven', async () => {
  const args = ['chaos', '--seed', '4', '--kills', '7', '--items', '1500', '--json'];
  const child = spawn(path.join(ROOT, 'dsx'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  const [code] = (await once(child, 'close')) as [number];
  expect(code, told).toBe(0);
  const result = JSON.parse(out) as ChaosResult;
  expect(result).toMatchObject({ proven: true, problems: [], kills: 7 });
  expect(result.base).toBeUndefined();
  expect(result.events).toHaveLength(7);
  expect(result.jobs.length).toBeGreaterThan(0);
  for (const { verdict } of result.jobs) {
    expect(verdict).toMatchObject({ problemCount: 0, figures: { items: 1500, late: 0 } });
    expect(verdict.figures.rescans).toBeLessThanOrEqual(verdict.figures.bound);
  }
}, 240_000);
