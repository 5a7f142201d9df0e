import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connector } from '../../connectors/connector.ts';
import { createGraphConnector } from '../../connectors/graph/connector.ts';
import type { GraphFake } from '../../scripts/servers/graph/fake.ts';
import { cutAfter, throttled, webPage } from '../../scripts/servers/graph/faults.ts';
import type { Request } from '../../scripts/servers/graph/http.ts';
import { readWhole } from './conformance.ts';
import { sharepointSettings, startFake } from './graph-store.ts';

const ref = { location: 'dir/x' };
const ofDownload = ({ server }: Request) => server === 'download';

describe('reading an item of a drive', () => {
  let fake: GraphFake;
  let connector: Connector;
  beforeEach(async () => {
    fake = await startFake();
    connector = createGraphConnector(sharepointSettings(fake, fake.origin, ''));
    fake.library.put('dir/x', Buffer.alloc(300_000, 'x'));
  });
  afterEach(async () => {
    await connector.close();
    await fake.stop();
  });

  test('the token never goes where the bytes come from', async () => {
    await readWhole(connector, ref);
    const [download, ...more] = fake.requests.filter(({ server }) => server === 'download');
    expect(more).toEqual([]);
    expect(download?.status).toBe(200);
    expect(download?.headers.authorization).toBeUndefined();
    const asked = fake.requests.filter(({ server }) => server === 'graph');
    expect(asked.every(({ headers }) => headers.authorization?.startsWith('Bearer '))).toBe(true);
  });

  test('bytes that have not the hash that the drive gives are not confirmed', async () => {
    fake.inject({
      match: ofDownload,
      answer: (reply) => ({ ...reply, body: Buffer.alloc(300_000, 'y') }),
    });
    await expect(readWhole(connector, ref)).rejects.toMatchObject({ code: 'changed' });
    expect((await readWhole(connector, ref)).bytes.length).toBe(300_000);
  });

  test('a change of columns is none of the content', async () => {
    const open = await connector.open(ref, new AbortController().signal);
    fake.library.touch('dir/x');
    for await (const _ of open.read(new AbortController().signal));
    await open.confirm();
    await open.close();
  });

  const answers: [string, Parameters<GraphFake['inject']>[0]['answer'], object][] = [
    ['slow down', throttled(3), { code: 'throttled', retryAfterMs: 3_000 }],
    ['a body that breaks off', cutAfter(1000), { code: 'storage_error' }],
    ['a server error', webPage(500), { code: 'storage_error' }],
    ['fewer bytes', (reply) => ({ ...reply, body: Buffer.alloc(7) }), { code: 'changed' }],
    ['more bytes', (reply) => ({ ...reply, body: Buffer.alloc(300_001) }), { code: 'changed' }],
  ];
  test.each(answers)('where the bytes come from: %s', async (_, answer, expected) => {
    fake.inject({ match: ofDownload, answer });
    await expect(readWhole(connector, ref)).rejects.toMatchObject(expected);
    expect((await readWhole(connector, ref)).bytes.length).toBe(300_000);
  });

  test('an address that no longer holds is asked for anew, once', async () => {
    for (const status of [401, 403, 404, 410]) {
      fake.inject({ match: ofDownload, answer: webPage(status) });
      expect((await readWhole(connector, ref)).bytes.length).toBe(300_000);
      fake.inject({ match: ofDownload, answer: webPage(status), times: 2 });
      await expect(readWhole(connector, ref)).rejects.toMatchObject({ code: 'storage_error' });
    }
  });

  test('an answer that never ends is cut, not kept', async () => {
    const answer = {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.alloc(40 * 2 ** 20, ' '),
    };
    fake.inject({ match: ({ path }) => path.includes('dir'), answer });
    await expect(readWhole(connector, ref)).rejects.toMatchObject({ code: 'configuration' });
  });

  test('what SharePoint itself holds back as malware is told as such', async () => {
    fake.library.markMalware('dir/x');
    fake.inject({ match: ofDownload, answer: webPage(403), times: 2 });
    const reading = readWhole(connector, ref);
    await expect(reading).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(reading).rejects.toThrow(/malware/);
  });

  test('a folder, a notebook and a shortcut are no items to open', async () => {
    fake.library.putPackage('notes');
    fake.library.putShortcut('elsewhere');
    for (const location of ['dir', 'notes', 'elsewhere']) {
      await expect(connector.open({ location }, new AbortController().signal)).rejects.toMatchObject({
        code: 'not_an_item',
      });
    }
  });
});
