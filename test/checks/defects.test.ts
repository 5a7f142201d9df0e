import { proofsOf } from './proofs.ts';

const from = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

// As they are numbered: by the kind of harm, from the next ten on.
proofsOf(
  'docs/defects.md',
  [...from(1, 6), ...from(10, 17), ...from(20, 30), ...from(40, 45), ...from(50, 56), ...from(60, 67)].map(
    (number) => `C${String(number).padStart(2, '0')}`,
  ),
);
