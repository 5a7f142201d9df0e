import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { estimateResource } from '../../api/answer-schemas.ts';
import { API_PREFIX } from '../../api/contract.ts';
import { ControlError } from '../../api/control.ts';
import { folderSourceId } from '../../domain/source.ts';
import { type Api, json, startApi } from './fixture.ts';

let api: Api;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

async function told(path: string, init?: RequestInit): Promise<[number, Record<string, unknown>]> {
  const answer = await api.ask(path, init);
  return [answer.status, (await answer.json()) as Record<string, unknown>];
}
const codeOf = async (path: string, init?: RequestInit) => (await told(path, init))[1].code;

test('an estimate is begun, shown and stopped, and belongs to its source', async () => {
  const [status, begun] = await told('/connectors/plant-2/estimate', { method: 'POST' });
  expect(status).toBe(201);
  const { estimate, links } = estimateResource.parse(begun);
  expect(links.self).toBe(`${API_PREFIX}/connectors/plant-2/estimate/${estimate}`);
  expect(api.control.estimateRequests).toEqual([
    {
      source: { kind: 'connector', id: 'plant-2' },
      settings: { filter: '', maxSize: 5 },
      scannerMax: 1_000,
      site: 'plant',
      maxSeconds: 600,
    },
  ]);
  const place = `/connectors/plant-2/estimate/${estimate}`;
  expect(await told(place)).toEqual([200, begun]);
  for (const other of [`/connectors/share/estimate/${estimate}`, `/folders/estimate/${estimate}`, `${place}0`]) {
    expect(await codeOf(other)).toBe('estimate_not_found');
    expect(await codeOf(other, { method: 'DELETE' })).toBe('estimate_not_found');
  }
  expect(await told(place, { method: 'DELETE' })).toMatchObject([200, { state: 'stopped', partial: true }]);
  expect(await told(place, { method: 'DELETE' })).toMatchObject([200, { state: 'stopped' }]);
  const refused = await api.ask(place, { method: 'POST' });
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD']);
});

test('a folder is looked at as a scan of it would be', async () => {
  const body = { folder: '/srv/a', filter: '*.x', maxSeconds: 5 };
  const [, { links }] = await told('/folders/estimate', json(body));
  expect(links).toMatchObject({ self: expect.stringContaining('/folders/estimate/estimate-') });
  const id = folderSourceId('/srv/a');
  expect(api.control.estimateRequests).toMatchObject([
    {
      source: { kind: 'folder', id, path: '/srv/a' },
      settings: { filter: '*.x', quarantine: join(api.home, 'quarantine', id) },
    },
  ]);
  await told('/folders/check', json({ folder: '/srv/a' }));
  expect(api.control.checked).toMatchObject([{ action: 'nothing', source: { path: '/srv/a' } }]);
});

test('folders are looked at only where they may be scanned', async () => {
  const closed = await startApi({ settings: { folderScans: false } });
  try {
    for (const [path, init] of [
      ['/folders/preview?folder=/srv/a', undefined],
      ['/folders/check', json({ folder: '/srv/a' })],
      ['/folders/estimate', json({ folder: '/srv/a' })],
    ] as const) {
      expect(((await (await closed.ask(path, init)).json()) as { code: string }).code).toBe('folder_scans_off');
    }
  } finally {
    await closed.stop();
  }
});

test.each([
  ['/connectors/share/preview?limit=0', 'request_invalid'],
  ['/connectors/share/preview?limit=1001', 'request_invalid'],
  ['/connectors/share/preview?maxSize=-1', 'request_invalid'],
  ['/connectors/share/preview?filter=%22', 'filter_invalid'],
  ['/connectors/share/preview?unknown=1', 'request_invalid'],
  ['/connectors/nothing/preview', 'connector_not_found'],
  ['/connectors/nothing/assets', 'connector_not_found'],
  ['/connectors/share/assets?after=..%2F..%2Fledger.json', 'request_invalid'],
  ['/folders/preview', 'request_invalid'],
  ['/folders/preview?folder=relative', 'request_invalid'],
  ['/folders/preview?folder=/a/../b', 'request_invalid'],
])('%s is refused: %s', async (path, code) => {
  expect(await codeOf(path)).toBe(code);
});

test.each([{ maxSeconds: 0 }, { maxSeconds: 3_601 }, { filter: '"' }, { unknown: 1 }])(
  'an estimate with %j is refused',
  async (body) => {
    expect(await codeOf('/connectors/share/estimate', json(body))).toMatch(/^(request|filter)_invalid$/);
    expect(api.control.estimateRequests).toEqual([]);
  },
);

test('what nobody takes is 503, and what the storage refuses is 502 with the reason', async () => {
  const answers = (await api.ledger.open()).answers;
  const failed = { code: 'permission_denied', message: 'grant s3:ListAllMyBuckets' };
  api.control.onAssets = () => answers.write({ facts: { kind: 'assets', source: 'share', failed }, lines: [] });
  expect(await told('/connectors/share/assets')).toMatchObject([
    502,
    { code: 'storage_failed', detail: failed.message, reason: 'permission_denied' },
  ]);
  api.control.down = new ControlError('no_worker', 'nobody answered');
  expect(await told('/connectors/share/assets')).toMatchObject([503, { code: 'no_worker' }]);
});
