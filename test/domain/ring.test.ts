import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring, type Seat } from '../../domain/ring.ts';

describe('a ring', () => {
  it('has those who came and did not leave, in order, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('join' as const) }),
      fc.record({ kind: fc.constant('leave' as const), at: fc.nat(20) }),
      fc.record({ kind: fc.constant('take' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ring = new Ring<number>();
        const seats: Seat[] = [];
        const expected: number[] = [];
        for (const one of steps) {
          if (one.kind === 'join') {
            expected.push(seats.length);
            seats.push(ring.join(seats.length));
          } else if (one.kind === 'take') {
            expect(ring.take()).toBe(expected.shift());
          } else if (seats.length > 0) {
            // Also one that left before, whose place may be anybody's by now.
            const who = one.at % seats.length;
            seats[who]?.leave();
            if (expected.includes(who)) expected.splice(expected.indexOf(who), 1);
          }
          expect(ring.all()).toEqual(expected);
          expect(ring.isEmpty).toBe(expected.length === 0);
        }
      }),
    );
  });
});
