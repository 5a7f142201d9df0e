import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkRevision, ifMatch } from '../../api/written.ts';
import { sampleProgress } from '../support/samples.ts';
import { type Api, startApi } from './fixture.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
  for (let at = 0; at < 30; at++) await api.status?.publishJob(sampleProgress(`job-${at}`, { state: 'completed' }));
});
afterAll(() => api.stop());

describe.each(['/jobs', '/jobs?limit=7', '/jobs/job-3', '/connectors', '/openapi.json', '/version'])(
  'GET %s',
  (path) => {
    test('has a tag, which stands for exactly these bytes', async () => {
      const [first, second] = [await api.ask(path), await api.ask(path)];
      const tag = first.headers.get('etag');
      expect(tag).toMatch(/^"[\w-]{27}"$/);
      expect(second.headers.get('etag')).toBe(tag);
      expect(await second.text()).toBe(await first.text());
      for (const given of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
        const again = await api.ask(path, { headers: { 'if-none-match': given ?? '' } });
        expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, tag, '']);
      }
      const other = await api.ask(path, { headers: { 'if-none-match': '"other"' } });
      expect([other.status, await other.text()]).toEqual([200, await (await api.ask(path)).text()]);
    });

    test('HEAD has the same headers and no body', async () => {
      const [get, head] = [await api.ask(path), await api.ask(path, { method: 'HEAD' })];
      for (const name of ['etag', 'content-length', 'content-type']) {
        expect(head.headers.get(name)).toBe(get.headers.get(name));
      }
      expect(await head.text()).toBe('');
    });
  },
);

test('what has changed has another tag', async () => {
  await api.status?.publishJob(sampleProgress('job-live'));
  const before = (await api.ask('/jobs/job-live')).headers.get('etag') ?? '';
  await api.status?.publishJob(sampleProgress('job-live', { revision: 9, listed: 90 }));
  const now = await api.ask('/jobs/job-live', { headers: { 'if-none-match': before } });
  expect([now.status, ((await now.json()) as { listed: number }).listed]).toEqual([200, 90]);
});

test('problems have no tag', async () => {
  const response = await api.ask('/jobs/job-none', { headers: { 'if-none-match': '*' } });
  expect([response.status, response.headers.get('etag')]).toEqual([404, null]);
});

test('a scan that was just started is in the next list', async () => {
  for (let at = 0; at < 3; at++) {
    await api.ask('/jobs');
    const { job } = await api.client().startJob({ folder: `/srv/share-${at}` });
    expect((await api.client().jobs()).unanswered ?? (await api.client().jobs()).jobs.map((one) => one.job)).toContain(
      job,
    );
  }
});

test('If-Match names a revision, the tag of an answer, or anything', () => {
  const of = (given: string) => ifMatch({ headers: { 'if-match': given } });
  expect(ifMatch({ headers: {} })).toBeUndefined();
  expect([of('*'), of('"3"'), of(' "12-AbCdEfGhIjKlMnOpQrStUvWxYz0" ')]).toEqual(['any', 3, 12]);
  for (const given of ['3', '"0"', '"x"', 'W/"3"', '"3", "4"', '"3-"', '']) {
    expect(() => of(given), given).toThrow(expect.objectContaining({ code: 'request_invalid' }));
  }
  for (const expected of [undefined, 'any', 7] as const) checkRevision(expected, 7);
  expect(() => checkRevision(6, 7)).toThrow(expect.objectContaining({ code: 'precondition_failed' }));
});
