import { expect, test } from 'vitest';
import { MAX_RESCANS, rescanOf } from '../../activities/apply-actions.ts';
import type { ActionReport } from '../../connectors/connector.ts';
import type { ActionIntent } from '../../domain/action.ts';

const CURRENT = { location: 'a', version: 'v2', size: 2 };
const INTENT: ActionIntent = {
  finding: 'job-1/0-3:7',
  item: { location: 'a' },
  judged: { version: 'v1', size: 1 },
  action: 'delete',
  provenance: {
    job: 'job-1',
    connector: 'c',
    verdict: 'Malicious',
    sha256: '00',
    standIn: false,
    judgedAt: '2026-11-23T00:00:00.000Z',
  },
};
const CHANGED: ActionReport = { state: 'refused', code: 'version_changed', current: CURRENT };
const DONE: ActionReport = { state: 'done', code: 'applied', current: CURRENT };

test.each(['delete', 'move', 'movetag', 'tag'] as const)('%s that finds another version lists it', (action) => {
  const item = { ...CURRENT, rescanOf: '0-3:7', rescans: 1 };
  expect(rescanOf({ ...INTENT, action }, CHANGED)).toEqual(item);
});

test.each(['delete', 'move', 'movetag'] as const)('%s that brings up another version lists it', (action) => {
  const item = { ...CURRENT, rescanOf: '0-3:7', rescans: 1 };
  expect(rescanOf({ ...INTENT, action }, DONE)).toEqual(item);
  expect(rescanOf({ ...INTENT, action }, { ...DONE, code: 'already_applied' })).toEqual(item);
});

test('what was tagged stays in place, and is not listed again', () => {
  expect(rescanOf({ ...INTENT, action: 'tag' }, DONE)).toBeUndefined();
});

test('nothing is listed where nothing is in place, or where the action failed', () => {
  for (const report of [CHANGED, DONE]) {
    const { current: _, ...gone } = report;
    expect(rescanOf(INTENT, gone)).toBeUndefined();
  }
  expect(rescanOf(INTENT, { ...DONE, state: 'failed', code: 'storage_error' })).toBeUndefined();
});

test('a location is listed again three times in a row at most, whatever brought up its versions', () => {
  expect(MAX_RESCANS).toBe(3);
  for (const report of [CHANGED, DONE]) {
    expect(rescanOf({ ...INTENT, rescans: 2 }, report)).toMatchObject({ rescans: 3 });
    expect(rescanOf({ ...INTENT, rescans: 3 }, report)).toBeUndefined();
  }
});
