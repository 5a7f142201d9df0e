import { expect, test } from 'vitest';
import { Findings } from '../../bench/chaos/check/findings.ts';
import type { JobRecord } from '../../bench/chaos/check/read-job.ts';
import type { Scan } from '../../bench/chaos/check/requests.ts';
import { checkScans } from '../../bench/chaos/check/scans.ts';
import { CHECKPOINT_MS, spansOf } from '../../bench/chaos/check/spans.ts';
import { checkLateWakers, checkTakeovers, KILLED_WITHIN_MS } from '../../bench/chaos/check/takeover.ts';
import type { Fault } from '../../bench/chaos/schedule.ts';
import { type Event, intersection, outside, union } from '../../bench/chaos/timeline.ts';

const T = 1_000_000;
const NOW = T + 1_000_000;

function scan(worker: string, item: string, at: number, took = 100): Scan {
  const scanId = `${worker}/${item}/${at}`;
  const page = item.slice(0, item.indexOf(':'));
  const whole = { path: '/', bytes: 1, sha256: 'a', status: 200, verdict: 'Benign' };
  return { ...whole, received: T + at, answered: T + at + took, job: 'j', item, page, worker, scanId };
}

function event(fault: Fault, from: number, to: number): Event {
  return { fault, target: fault.kind === 'toxic' ? fault.link : fault.part, from: T + from, to: T + to };
}

const spans = (events: readonly Event[]) =>
  new Map(['worker-1', 'worker-2'].map((name) => [name, spansOf(name, events, NOW)] as const));

function record(items: readonly string[], counted: readonly Scan[]): JobRecord {
  const rows = items.map((item) => ({
    item,
    location: item,
    outcome: 'clean' as const,
    listed: {},
    judged: { version: 'v', size: 1 },
    sha256: 'a',
    verdict: { verdict: 'Benign' },
    scanner: { name: 's', standIn: true, scanId: counted.find((one) => one.item === item)?.scanId ?? '' },
    at: '',
  }));
  const listed = new Map(items.map((item) => [item, { location: item }]));
  return { items: listed, rows, actions: [], strayActions: [], intents: [], account: undefined };
}

test('stretches of time: union, intersection, what lies outside', () => {
  const some = [
    { from: 5, to: 9 },
    { from: 0, to: 3 },
    { from: 2, to: 4 },
  ];
  expect(union(some)).toEqual([
    { from: 0, to: 4 },
    { from: 5, to: 9 },
  ]);
  expect(intersection([some, [{ from: 3, to: 6 }]])).toEqual([
    { from: 3, to: 4 },
    { from: 5, to: 6 },
  ]);
  expect(outside(1, 10, union(some))).toBe(2);
});

test('a repeated scan is excused by a kill of the worker that had it in flight or not yet in a checkpoint, and by nothing else', () => {
  const kill = event({ kind: 'kill', part: 'worker-1' }, 10_000, 12_000);
  const again = scan('worker-2', '0-0:1', 22_000);
  const cases: [Scan, number][] = [
    [scan('worker-1', '0-0:1', 9_950), 0],
    [scan('worker-1', '0-0:1', 10_000 - CHECKPOINT_MS), 0],
    [scan('worker-1', '0-0:1', 9_000 - CHECKPOINT_MS), 1],
    [scan('worker-2', '0-0:1', 9_950), 1],
  ];
  for (const [lost, problems] of cases) {
    const findings = new Findings();
    const figures = checkScans(record(['0-0:1'], [again]), [lost, again], spans([kill]), findings);
    expect(findings.list().filter((text) => text.startsWith('rescans'))).toHaveLength(problems);
    expect(figures).toMatchObject({ rescans: 1, bound: 1 - problems });
  }
});

test('a page of a killed worker must go on within 30 s, less the time when nobody could work', () => {
  const kill = event({ kind: 'kill', part: 'worker-1' }, 10_000, 12_000);
  const had = scan('worker-1', '0-0:1', 9_900);
  const look = (next: Scan, more: readonly Event[] = []) => {
    const findings = new Findings();
    const found = checkTakeovers([had, next], [kill, ...more], spans([kill, ...more]), findings);
    return { found, count: findings.count };
  };
  expect(look(scan('worker-2', '0-0:2', 21_000))).toMatchObject({ count: 0, found: [{ how: 'killed', ms: 11_000 }] });
  const late = scan('worker-2', '0-0:2', 11_000 + KILLED_WITHIN_MS);
  expect(look(late).count).toBe(1);
  expect(look(late, [event({ kind: 'freeze', part: 'temporal', ms: 8_000 }, 15_000, 23_000)]).count).toBe(0);
});

test('a worker that wakes up late must not scan what another one has taken over', () => {
  const freeze = event({ kind: 'freeze', part: 'worker-1', ms: 30_000 }, 10_000, 40_000);
  const taken = scan('worker-2', '0-0:5', 25_000);
  const count = (late: Scan) => {
    const findings = new Findings();
    return checkLateWakers([taken, late], [freeze], spans([freeze]), findings);
  };
  expect(count(scan('worker-1', '0-0:5', 41_000))).toBe(1);
  expect(count(scan('worker-1', '0-0:6', 41_000))).toBe(0);
});
