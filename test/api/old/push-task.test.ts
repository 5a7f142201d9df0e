import fc from 'fast-check';
import { expect, test } from 'vitest';
import { taskIdOf } from '../../../api/old/identity.ts';
import { parsePushTask, pushTaskId, pushTasks, taskOfRow, type WrittenAt } from '../../../api/old/push-task.ts';
import { stateOf } from '../../../api/old/task-state.ts';
import { intakeLine } from '../../../domain/intake.ts';
import type { OutcomeRow } from '../../../domain/outcome.ts';
import type { JobHeader } from '../../../ledger/types.ts';

const UUID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const slot = '2026-11-23T18';
const writer = '0123456789abcdef';

/** Where the items of one push lie: stretches of lines of some pages. */
const pushes = fc
  .array(
    fc.record({ n: fc.integer({ min: 1, max: 1e9 }), from: fc.nat(199), count: fc.integer({ min: 1, max: 50 }) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((parts) =>
    parts.flatMap(({ n, from, count }) =>
      Array.from({ length: count }, (_, at): WrittenAt => ({ ref: { slot, writer, n }, line: from + at })),
    ),
  );

test('the tasks of a push name each of its lines once, in order, and nothing else', () => {
  fc.assert(
    fc.property(pushes, fc.integer({ min: 1, max: 100 }), fc.boolean(), (written, size, ofScan) => {
      const tasks = pushTasks(UUID, ofScan, written, size);
      expect(tasks).toHaveLength(Math.ceil(written.length / size));
      const named = tasks.flatMap((task) => {
        const parsed = parsePushTask(task);
        expect(parsed).toMatchObject({ uuid: UUID, ofScan });
        expect(pushTaskId(parsed as NonNullable<typeof parsed>)).toBe(task);
        expect(encodeURIComponent(task).replaceAll('%3A', ':')).toBe(task);
        return (parsed?.lines ?? []).flatMap(({ ref, from, to }) =>
          Array.from({ length: to - from + 1 }, (_, at) => ({ ref, line: from + at })),
        );
      });
      expect(named).toEqual(written);
    }),
  );
});

test('what is no id of a push is none', () => {
  const good = `${UUID}:9999:${slot}:${writer}:12.0-99_13.0`;
  expect(parsePushTask(good)?.lines).toHaveLength(2);
  for (const bad of [
    '',
    taskIdOf('job-1', '0-0:0'),
    UUID,
    good.toUpperCase(),
    good.replace('9999', '1'),
    good.replace('0-99', '99-0'),
    good.replace('12.', '0.'),
    `${good}_`,
    `${good}\n`,
    `${good} `,
  ]) {
    expect([bad, parsePushTask(bad)]).toEqual([bad, undefined]);
  }
});

const header = { job: 'job-1', source: { kind: 'connector', id: UUID }, kind: 'full' } as JobHeader;
const rowOf = (line: number, more: object): OutcomeRow => {
  const pushed = intakeLine({ slot, writer, n: 12 }, line);
  return { item: `0-0:${line}`, location: 'a', outcome: 'clean', listed: {}, at: '', pushed, ...more } as OutcomeRow;
};
const judged = { judged: { version: 'v', size: 1 } };

test('the task of a row is the one that its push was answered with', () => {
  const [task = ''] = pushTasks(UUID, true, [{ ref: { slot, writer, n: 12 }, line: 3 }], 1);
  expect(taskOfRow(header, rowOf(3, judged))).toBe(task);
  expect(taskOfRow({ ...header, kind: 'on-access' }, rowOf(3, judged))).toBe(task.replace('9999', '0'));
  expect(taskOfRow(header, { item: '0-0:3' })).toBe('job-1:0-0:3');
});

test('only what was judged is a success, and only once all of it was', () => {
  const of = (items: number, ...rows: object[]) =>
    stateOf('t', { items, rows: rows.map((row, at) => ({ header, row: rowOf(at, row) })) });
  expect(stateOf('t', undefined).state).toBe('PENDING');
  expect(of(2, judged).state).toBe('PENDING');
  expect(of(2, judged, { outcome: 'malicious', ...judged })).toMatchObject({ state: 'SUCCESS', result: 'SUCCESS' });
  for (const [row, error] of [
    [{ outcome: 'vanished' }, 'vanished'],
    [{ outcome: 'skipped', reason: 'superseded' }, 'skipped: superseded'],
    [{ outcome: 'unscannable', reason: 'archived' }, 'unscannable: archived'],
    [{ outcome: 'failed', reason: 'crashed' }, 'failed: crashed'],
  ] as const) {
    expect(of(1, row)).toMatchObject({ state: 'FAILURE', status: 'error', result: null, error });
    expect(of(2, judged, row)).toMatchObject({ state: 'FAILURE', error: `1 of 2 items were not judged (${error})` });
  }
  expect(of(1, { outcome: 'unscannable', reason: 'file_too_large' })).toMatchObject({
    state: 'FAILURE',
    result: 'SKIPPED_FILE_TOO_LARGE',
  });
});
