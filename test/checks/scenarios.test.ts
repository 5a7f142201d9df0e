import { expect, it } from 'vitest';
import { proofsOf, titlesOf } from './proofs.ts';

proofsOf(
  'docs/scenarios.md',
  Array.from({ length: 44 }, (_, i) => `AS${String(i + 1).padStart(2, '0')}`),
);

it('a title that is gone would be noticed', () => {
  expect([...titlesOf('test/checks/scenarios.test.ts')]).toContain('a title that is gone would be noticed');
  expect([...titlesOf('test/checks/scenarios.test.ts')]).not.toContain('const LAST');
});
