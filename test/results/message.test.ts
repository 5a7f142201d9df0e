import { describe, expect, it } from 'vitest';
import { connectorUuid } from '../../net/connector-uuid.ts';
import { actionMessage, outcomeMessage } from '../../results/message.ts';
import { sampleRow } from '../support/samples.ts';

const settings = { filter: '*.exe', action: 'move', quarantine: '/q', dryRun: false, scanner: 'dsxa' } as const;
const job = { job: 'job-1', source: { kind: 'connector', id: 'finance' }, settings } as const;

/** What receivers of the former product read. It may become more, never less. */
const REQUEST = ['connector', 'location', 'metainfo', 'connector_url', 'requested_action', 'size_in_bytes'].concat([
  'scan_job_id',
  'job_item_id',
  'scan_source',
]);
const CONNECTOR = ['name', 'display_name', 'uuid', 'url', 'item_action', 'item_action_move_metainfo', 'filter'];
const VERDICT = ['verdict', 'verdict_details', 'file_info'];
const ACTION = ['status', 'message', 'description', 'id', 'preview', 'item_action'];

const outcome = outcomeMessage(job, sampleRow('0-0:1'));
const action = actionMessage(job, {
  ...{
    finding: '0-0:1',
    item: '0-0:1',
    location: 'a.exe',
    action: 'move',
    state: 'done',
    at: '2026-11-23T10:00:00.000Z',
  },
  destination: '/q/a.exe',
} as never);

describe.each([
  ['an outcome', outcome],
  ['an action', action],
])('%s', (_, message) => {
  it('has every member that receivers of the former product read', () => {
    const { scan_request, verdict, item_action } = message;
    expect(Object.keys(message)).toEqual(
      expect.arrayContaining(['timestamp', 'source', 'scan_request', 'verdict', 'item_action']),
    );
    expect(Object.keys(scan_request)).toEqual(expect.arrayContaining(REQUEST));
    expect(Object.keys(scan_request.connector)).toEqual(expect.arrayContaining(CONNECTOR));
    expect(Object.keys(verdict ?? {})).toEqual(expect.arrayContaining(VERDICT));
    expect(Object.keys(item_action)).toEqual(expect.arrayContaining(ACTION));
    expect(message).toMatchObject({ source: 'dsx-connect', timestamp: expect.stringMatching(/\d$/) });
  });

  it('names the connector by the UUID that the API tells of it', () => {
    expect(message.scan_request.connector).toMatchObject({ name: 'finance', uuid: connectorUuid('finance') });
    expect(connectorUuid('finance')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

it('of a folder that is no connector it tells the path', () => {
  const source = { kind: 'folder', id: 'folder-1', path: '/srv/share' } as const;
  expect(outcomeMessage({ ...job, source }, sampleRow('0-0:1')).scan_request.connector.asset).toBe('/srv/share');
});
