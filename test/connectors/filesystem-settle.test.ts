import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, PATIENCE, type Waiting } from '../../connectors/filesystem/watch/settle.ts';

const RULES = { settle: 2_000, skew: 0 };
const WALL = 1_800_000_000_000;
const facts = (size: number, writtenAt: number, changedAt = writtenAt) => ({
  size: BigInt(size),
  mtimeNs: BigInt(writtenAt) * 1_000_000n,
  ctimeNs: BigInt(changedAt) * 1_000_000n,
});

/** Looks at a file as often as it is due, while it is written at these times. When it was given, and whether it was still then. */
function watched(writes: readonly number[], skew: number): { at: number; still: boolean }[] {
  const given: { at: number; still: boolean }[] = [];
  let waiting: Waiting = { first: 0, appeared: true };
  for (let now = 0; ; ) {
    const past = writes.filter((time) => time <= now);
    const seen = facts(past.length, WALL + (past.at(-1) ?? 0));
    const judged = judge(waiting, seen, now, WALL + now, { ...RULES, skew });
    if (judged.give) given.push({ at: now, still: judged.still });
    if (judged.give && judged.still) return given;
    if (judged.give) {
      waiting = { first: now, appeared: true };
      now += RULES.settle;
    } else {
      waiting = { ...waiting, seen: { size: seen.size, mtimeNs: seen.mtimeNs, since: judged.since } };
      expect(judged.again).toBeGreaterThan(now);
      now = judged.again;
    }
  }
}

const times = fc.array(fc.integer({ min: 1, max: 10_000 }), { maxLength: 40 }).map((gaps) => {
  let time = 0;
  return [0, ...gaps.map((gap) => (time += gap))];
});

describe('a file that was noticed', () => {
  it.each([0, 300_000])('is given in the end, and not while it is written, but for its patience (skew %i)', (skew) => {
    fc.assert(
      fc.property(times, (writes) => {
        const given = watched(writes, skew);
        for (const { at, still } of given) {
          const last = writes.filter((time) => time <= at).at(-1) ?? 0;
          if (still) expect(at - last).toBeGreaterThanOrEqual(RULES.settle);
          else expect(at).toBeGreaterThanOrEqual(PATIENCE * RULES.settle);
        }
        expect(given.at(-1)?.still).toBe(true);
        const last = given.at(-1)?.at ?? 0;
        expect(last).toBeLessThanOrEqual((writes.at(-1) ?? 0) + (PATIENCE + 2) * RULES.settle);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('and was written long ago is given at once, as is one that was renamed into place', () => {
    const appeared = { first: 0, appeared: true };
    const now = { give: true, still: true };
    expect(judge(appeared, facts(9, WALL - 2_000, WALL), 0, WALL, RULES)).toEqual(now);
    expect(judge({ first: 0, appeared: false }, facts(9, WALL - 2_000), 0, WALL, RULES)).toEqual(now);
    expect(judge(appeared, facts(9, WALL - 5, WALL), 0, WALL, RULES)).toEqual(now);
    // Just created, and its permissions set: its bytes are still to come.
    expect(judge(appeared, facts(0, WALL - 5, WALL), 0, WALL, RULES)).toMatchObject({ give: false });
    expect(judge({ first: 0, appeared: false }, facts(9, WALL - 5, WALL), 0, WALL, RULES)).toMatchObject({
      give: false,
    });
  });

  it('and has a time that is to come must stand still', () => {
    const first = judge({ first: 0, appeared: true }, facts(9, WALL + 1e9), 0, WALL, RULES);
    expect(first).toEqual({ give: false, again: 2_000, since: 0 });
    const seen = { size: 9n, mtimeNs: facts(9, WALL + 1e9).mtimeNs, since: 0 };
    expect(judge({ first: 0, appeared: true, seen }, facts(9, WALL + 1e9), 2_000, WALL + 2_000, RULES)).toEqual({
      give: true,
      still: true,
    });
  });
});
