import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countWaiting, lastOf, listHash, type Span } from '../../domain/approval.ts';
import type { ScanSettings } from '../../domain/job.ts';
import { Gate, MAX_STRETCHES } from '../../workflows/action-gate/gate.ts';
import type { AskRequest, DecideRequest } from '../../workflows/messages.ts';

const source = { kind: 'connector', id: 'share' } as const;
const settings: ScanSettings = {
  filter: '',
  action: 'move',
  dryRun: false,
  scanner: 'dsxa',
  maxActions: 3,
  maxActionsWindow: 60,
};
const T0 = Date.parse('2026-11-23T00:00:00.000Z');
const ref = (name: string) => ({ name: `intents/${name}`, hash: `hash-${name}` });
const ask = (from: number, to: number, more: Partial<AskRequest> = {}): AskRequest => ({
  source,
  job: 'job-1',
  settings,
  intents: ref('a'),
  from,
  to,
  ...more,
});
const decide = (gate: Gate, through: number, more: Partial<DecideRequest> = {}): DecideRequest => ({
  verdict: 'approve',
  through,
  list: listHash(gate.state.waiting, through),
  actor: 'ann',
  job: 'job-9',
  ...more,
});

describe('asking', () => {
  it('grants what the window has room for, and lets the rest wait', () => {
    const gate = Gate.begin(source);
    expect(gate.ask(ask(0, 10), T0)).toEqual({ granted: 3, waiting: 7 });
    expect(gate.view()).toMatchObject({
      permits: [{ at: T0, count: 3 }],
      waiting: [{ first: 1, job: 'job-1', from: 3, to: 10 }],
    });
    expect(gate.ask(ask(10, 11), T0 + 59_999)).toEqual({ granted: 0, waiting: 1 });
    expect(gate.ask(ask(11, 15), T0 + 60_000)).toEqual({ granted: 3, waiting: 1 });
  });

  it('answers a repeated request as before, also after other requests and from carried state', () => {
    const gate = Gate.begin(source);
    const answer = gate.ask(ask(0, 10), T0);
    gate.ask(ask(10, 20), T0 + 1);
    const carried = new Gate(JSON.parse(JSON.stringify(gate.state)));
    expect(carried.ask(ask(0, 10), T0 + 120_000)).toEqual(answer);
    expect(countWaiting(carried.state.waiting)).toBe(17);
  });

  it('with a maximum of 0 lets everything wait; another job of the source counts too', () => {
    const gate = Gate.begin(source);
    expect(gate.ask(ask(0, 2, { settings: { ...settings, maxActions: 0 } }), T0)).toEqual({ granted: 0, waiting: 2 });
    expect(gate.ask(ask(0, 2, { job: 'job-2' }), T0)).toEqual({ granted: 2, waiting: 0 });
    expect(gate.ask(ask(0, 2, { job: 'job-3' }), T0)).toEqual({ granted: 1, waiting: 1 });
  });

  it('never permits more than the maximum in any window, and loses no finding', () => {
    const asks = fc.array(
      fc.record({ size: fc.integer({ min: 1, max: 25 }), later: fc.integer({ min: 0, max: 40_000 }) }),
      {
        maxLength: 300,
      },
    );
    fc.assert(
      fc.property(asks, fc.integer({ min: 0, max: 20 }), fc.boolean(), (made, maxActions, carry) => {
        let gate = Gate.begin(source);
        const given: { at: number; count: number }[] = [];
        let [now, asked, waits] = [T0, 0, 0];
        for (const { size, later } of made) {
          now += later;
          const request = ask(asked, asked + size, { settings: { ...settings, maxActions } });
          const { granted, waiting } = gate.ask(request, now);
          expect(granted + waiting).toBe(size);
          given.push({ at: now, count: granted });
          [asked, waits] = [asked + size, waits + waiting];
          if (carry) gate = new Gate(JSON.parse(JSON.stringify(gate.state)));
        }
        for (const { at } of given) {
          const inWindow = given.filter((one) => one.at <= at && one.at > at - 60_000);
          expect(inWindow.reduce((sum, one) => sum + one.count, 0)).toBeLessThanOrEqual(maxActions);
        }
        expect(countWaiting(gate.state.waiting)).toBe(waits);
      }),
      { numRuns: 60 },
    );
  });

  it('says so when the list of what waits is full, and goes on with stretches that grow', () => {
    const gate = Gate.begin(source);
    const none = { settings: { ...settings, maxActions: 0 } };
    for (let i = 0; i < MAX_STRETCHES; i++) gate.ask(ask(0, 5, { ...none, intents: ref(`${i}`) }), T0);
    expect(gate.ask(ask(0, 5, { ...none, intents: ref('more') }), T0)).toEqual({ granted: 0, waiting: 0 });
    expect(gate.ask(ask(5, 8, { ...none, intents: ref(`${MAX_STRETCHES - 1}`) }), T0)).toEqual({
      granted: 0,
      waiting: 3,
    });
    expect(JSON.stringify(gate.state).length).toBeLessThan(1_000_000);
  });
});

describe('deciding', () => {
  function seven(): Gate {
    const gate = Gate.begin(source);
    gate.ask(ask(0, 10), T0);
    return gate;
  }

  it('takes what was named, and starts a job that carries it out; the rest, and what came later, waits on', () => {
    const gate = seven();
    const request = decide(gate, 7, {
      only: [
        [1, 2],
        [5, 7],
      ],
      reason: 'looked at them',
    });
    gate.ask(ask(0, 2, { job: 'job-2', intents: ref('b') }), T0 + 1);
    expect(gate.refusal(request)).toBeUndefined();
    const { answer, starts } = gate.decide(request, T0 + 2);
    expect(starts).toMatchObject([
      {
        job: 'job-9',
        kind: 'apply',
        settings,
        order: { why: 'approved', job: 'job-1', by: 'ann', reason: 'looked at them', findings: 5, through: 7 },
        picks: [
          {
            intents: ref('a'),
            picks: [
              [3, 4],
              [7, 9],
            ],
          },
        ],
      },
    ]);
    expect(answer).toMatchObject({
      waiting: 4,
      decision: {
        count: 5,
        findings: [
          [1, 2],
          [5, 7],
        ],
        by: 'ann',
      },
    });
    expect(gate.state.waiting).toMatchObject([
      { first: 3, from: 5, to: 7, job: 'job-1' },
      { first: 8, from: 0, to: 2, job: 'job-2' },
    ]);
    expect(Object.keys(gate.state.jobs)).toEqual(['job-1', 'job-2']);
  });

  it('refuses a list that is not the one that was shown, numbers that do not wait, and an empty list', () => {
    const gate = seven();
    expect(gate.refusal(decide(gate, 7, { list: '0'.repeat(16) }))?.type).toBe('list_changed');
    expect(gate.refusal(decide(gate, 8))?.type).toBe('list_changed');
    expect(gate.refusal(decide(gate, 5, { only: [[6, 6]] }))?.type).toBe('not_waiting');
    const mine = decide(gate, 7, { only: [[2, 3]] });
    const yours = decide(gate, 7);
    gate.decide(mine, T0);
    expect(gate.refusal(yours)?.type).toBe('list_changed');
    expect(gate.refusal(decide(gate, 7, { only: [[1, 2]] }))?.type).toBe('not_waiting');
    gate.decide(decide(gate, 7), T0);
    expect(gate.refusal(decide(gate, 7))?.type).toBe('not_waiting');
    expect([gate.state.jobs, gate.state.bindings]).toEqual([{}, []]);
  });

  it('starts one job for each job whose findings were decided about', () => {
    const gate = seven();
    gate.ask(ask(0, 2, { job: 'job-2', intents: ref('b'), site: 'berlin' }), T0);
    const { starts } = gate.decide(decide(gate, 9, { verdict: 'reject' }), T0);
    expect(starts.map(({ job, order, site }) => [job, order?.job, order?.why, order?.findings, site])).toEqual([
      ['job-9', 'job-1', 'rejected', 7, undefined],
      ['job-9-2', 'job-2', 'rejected', 2, 'berlin'],
    ]);
  });

  it('keeps settings that jobs share once, and the latest decisions alone', () => {
    const gate = Gate.begin(source);
    const none = { settings: { ...settings, maxActions: 0, filter: 'x'.repeat(4_000) } };
    for (let i = 0; i < 300; i++) gate.ask(ask(0, 2, { ...none, job: `job-${i}`, intents: ref(`${i}`) }), T0);
    expect(gate.state.bindings.length).toBe(1);
    for (let i = 0; i < 150; i++) {
      const only: Span[] = Array.from({ length: 2 }, (_, k) => [4 * i + 1 + 2 * k, 4 * i + 1 + 2 * k]);
      const { starts } = gate.decide(decide(gate, 600, { only, actor: `a${i}` }), T0);
      expect(starts[0]?.settings.filter).toBe(none.settings.filter);
    }
    const by = gate.view().decided.map((decision) => decision.by);
    expect([by.length, by[0], by.at(-1)]).toEqual([100, 'a50', 'a149']);
    expect(JSON.stringify(gate.state).length).toBeLessThan(500_000);
  });

  it('decides about every finding once, whatever is chosen in what order', () => {
    const some = fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 6 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 12 }), (choices) => {
        const gate = Gate.begin(source);
        const none = { settings: { ...settings, maxActions: 0 } };
        for (let i = 0; i < 6; i++) gate.ask(ask(0, 5, { ...none, job: `job-${i % 2}`, intents: ref(`${i}`) }), T0);
        const done: string[] = [];
        for (const choice of choices) {
          const through = Math.max(...gate.state.waiting.map(lastOf), 0);
          const only = choice.map(([first, more]): Span => [first, first + more]);
          const request = decide(gate, through, { only });
          if (gate.refusal(request) !== undefined) continue;
          for (const { picks, order } of gate.decide(request, T0).starts) {
            for (const { intents, picks: spans } of picks ?? []) {
              for (const [a, b] of spans) for (let i = a; i <= b; i++) done.push(`${order?.job} ${intents.name} ${i}`);
            }
          }
        }
        expect(new Set(done).size).toBe(done.length);
        expect(done.length + countWaiting(gate.state.waiting)).toBe(30);
      }),
    );
  });
});

it('is idle once the window and the decisions are long past, and never while something waits', () => {
  const gate = Gate.begin(source);
  expect(gate.idleIn(T0)).toBe(0);
  gate.ask(ask(0, 3), T0);
  expect(gate.idleIn(T0)).toBe(60_000);
  expect(gate.idleIn(T0 + 60_000)).toBe(0);
  gate.ask(ask(3, 4), T0);
  expect(gate.idleIn(T0 + 1e12)).toBeUndefined();
  gate.decide(decide(gate, 1), T0);
  expect(gate.idleIn(T0 + 60_000)).toBe(30 * 86_400_000 - 60_000);
});
