import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createRemoteConnector, type RemoteConnector } from '../../connectors/remote/connector.ts';
import { toldBy, versionOf } from '../../connectors/remote/version.ts';
import type { ActionIntent } from '../../domain/action.ts';
import { LOOPBACK } from '../../net/allowed.ts';

/** A remote connector that answers as each test has it, on the wire. */

const UUID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
type Answer = (response: ServerResponse, body: Record<string, unknown>, request: IncomingMessage) => void;
let server: Server;
let connector: RemoteConnector;
/** Answers by method and path; the last of a list stays. */
let answers: Record<string, Answer[]> = {};
let asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const what = `${request.method} ${request.url?.replace('/fs/', '').replace(/\?.*/, '')}`;
      asked.push(what);
      const text = Buffer.concat(chunks).toString();
      const [answer, ...rest] = answers[what] ?? [];
      if (rest.length > 0) answers[what] = rest;
      if (answer === undefined) response.writeHead(404).end();
      else answer(response, text === '' ? {} : (JSON.parse(text) as Record<string, unknown>), request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  connector = await createRemoteConnector({
    id: UUID,
    model: {
      name: 'fs',
      url: `http://127.0.0.1:${port}/fs`,
      item_action: 'delete',
      item_action_move_metainfo: '',
      asset: '/data',
      filter: '',
    },
    allowed: LOOPBACK,
  });
});
beforeEach(() => {
  answers = {};
  asked = [];
});
afterAll(async () => {
  await connector.close();
  server.closeAllConnections();
  server.close();
});

const SIGNAL = new AbortController().signal;
const BYTES = 'application/octet-stream';
const bytes =
  (text: string, length: number | null = Buffer.byteLength(text), type = BYTES): Answer =>
  (response) => {
    response.writeHead(200, { 'Content-Type': type, ...(length !== null && { 'Content-Length': length }) });
    // Written before it ends, so that no length is told where none is to be.
    response.write(text);
    response.end();
  };
const json =
  (status: number, value: unknown): Answer =>
  (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
  };
/** Says how much comes, and breaks off before. */
const torn: Answer = (response) => {
  response.writeHead(200, { 'Content-Type': BYTES, 'Content-Length': 100 });
  response.write('half of it');
  setTimeout(() => response.destroy(), 20);
};

async function readAll(
  version = versionOf({ name: 'a.txt', size: 4 }),
  location = '/data/a.txt',
): Promise<{ text: string; version: string }> {
  const open = await connector.open({ location, version }, SIGNAL);
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of open.read(SIGNAL)) chunks.push(chunk);
    await open.confirm();
    return { text: Buffer.concat(chunks).toString(), version: open.version };
  } finally {
    await open.close();
  }
}

describe('reading', () => {
  test('the whole request goes back, under the name that was pushed', async () => {
    let request: Record<string, unknown> = {};
    answers['POST read_file'] = [
      (response, body) => {
        request = body;
        bytes('good')(response, body, {} as IncomingMessage);
      },
    ];
    expect((await readAll()).text).toBe('good');
    expect(request).toMatchObject({
      location: '/data/a.txt',
      metainfo: 'a.txt',
      size_in_bytes: 4,
      requested_action: null,
      connector: { uuid: UUID, name: 'fs' },
    });
  });

  test.each([
    ['JSON with status 200', json(200, { status: 'error', message: 'File not found' }), 'storage_error'],
    ['a web page with status 200', bytes('<html></html>', 13, 'text/html'), 'storage_error'],
    [
      'bytes with status 206',
      (response: ServerResponse) => response.writeHead(206, { 'Content-Type': BYTES }).end('good'),
      'storage_error',
    ],
    ['404', json(404, {}), 'not_found'],
    ['410', json(410, {}), 'not_found'],
    ['401', json(401, {}), 'credentials'],
    ['403', json(403, {}), 'permission_denied'],
    ['408', json(408, {}), 'storage_error'],
    ['429', json(429, {}), 'throttled'],
    ['500', json(500, {}), 'storage_error'],
    ['501', json(501, {}), 'storage_error'],
    ['503', json(503, {}), 'throttled'],
    [
      'a redirect',
      (response: ServerResponse) => response.writeHead(302, { Location: 'http://169.254.169.254/' }).end(),
      'storage_error',
    ],
  ] as const)('%s is never content', async (_, answer, code) => {
    answers['POST read_file'] = [answer as Answer];
    await expect(readAll()).rejects.toMatchObject({ code });
  });

  test('a body that breaks off is never taken for whole', async () => {
    answers['POST read_file'] = [torn];
    await expect(readAll(versionOf({ name: 'a.txt', size: 10 }))).rejects.toMatchObject({ code: 'storage_error' });
  });

  test.each([
    ['fewer', 'goo'],
    ['more', 'good and more'],
  ])('%s bytes than were pushed are another item; read once more it is counted first', async (_, text) => {
    answers['POST read_file'] = [bytes(text, null)];
    await expect(readAll(undefined, text)).rejects.toMatchObject({ code: 'changed' });
    const again = await readAll(undefined, text);
    expect(again.text).toBe(text);
    expect(toldBy(again.version)).toEqual({ name: 'a.txt', size: text.length });
    expect(asked).toHaveLength(3);
  });

  test('of what tells no size the bytes are counted first, and must be as many again', async () => {
    const untold = versionOf({ name: 'b.txt' });
    const open = (...texts: string[]) => {
      answers['POST read_file'] = texts.map((text) => bytes(text, null));
      return readAll(untold);
    };
    expect((await open('some', 'some')).text).toBe('some');
    await expect(open('some', 'some more')).rejects.toMatchObject({ code: 'changed' });
    await expect(open('some more', 'some')).rejects.toMatchObject({ code: 'changed' });
  });

  test('an empty file is read, and is empty', async () => {
    answers['POST read_file'] = [bytes('')];
    expect((await readAll(versionOf({ name: 'a', size: 0 }))).text).toBe('');
  });
});

describe('acting', () => {
  const BAD = 'malicious bytes';
  const intent = (action: ActionIntent['action']): ActionIntent =>
    ({
      finding: 'job/0-0:0',
      item: { location: '/data/a.txt' },
      judged: { version: versionOf({ name: 'a.txt', size: BAD.length }), size: BAD.length },
      action,
      provenance: { sha256: createHash('sha256').update(BAD).digest('hex') },
    }) as unknown as ActionIntent;
  const act = (action: ActionIntent['action'] = 'delete') => connector.act(intent(action), SIGNAL);
  const gone = json(200, { status: 'error', message: 'File not found' });
  const done = (item_action = 'delete') => json(200, { status: 'success', message: 'done', item_action });

  test('what is gone afterwards is done, however the connector says that it is not there', async () => {
    for (const after of [gone, json(404, {}), json(410, {})]) {
      answers = { 'POST read_file': [bytes(BAD), after], 'PUT item_action': [done()] };
      expect(await act()).toEqual({ state: 'done', code: 'applied' });
    }
  });

  test.each([
    ['HTTP 500', json(500, {}), 'storage_error'],
    ['HTTP 401', json(401, {}), 'permission_denied'],
    ['HTTP 403', json(403, {}), 'permission_denied'],
    ['HTTP 501', json(501, {}), 'not_supported'],
    ['an error with status 200', json(200, { status: 'error', item_action: 'delete' }), 'storage_error'],
    ['no JSON', bytes('done', 4, 'text/plain'), 'storage_error'],
    ['JSON that is no object', json(200, ['success']), 'storage_error'],
    ['nothing', json(200, { status: 'nothing', item_action: 'nothing' }), 'not_supported'],
    ['no handler', json(200, { status: 'error', item_action: 'not implemented' }), 'not_supported'],
    ['another action', done('move'), 'storage_error'],
    ['no answer', ((response) => response.destroy()) as Answer, undefined],
  ])('%s is a failure, and the file is not said to be gone', async (_, answer, code) => {
    answers = { 'POST read_file': [bytes(BAD)], 'PUT item_action': [answer] };
    if (code === undefined) await expect(act()).rejects.toMatchObject({ code: 'unreachable' });
    else expect(await act()).toMatchObject({ state: 'failed', code });
  });

  test('success is not believed while the file is there, nor while nobody can see', async () => {
    answers = { 'POST read_file': [bytes(BAD)], 'PUT item_action': [done()] };
    expect(await act()).toMatchObject({ state: 'failed', note: expect.stringMatching(/still there/) });
    for (const after of [json(500, {}), json(403, {}), torn]) {
      answers = { 'POST read_file': [bytes(BAD), after], 'PUT item_action': [done()] };
      expect(await act()).toMatchObject({ state: 'failed', note: expect.stringMatching(/can not be seen/) });
    }
  });

  test('other bytes than were judged are not touched', async () => {
    answers = { 'POST read_file': [bytes('harmless bytes!')], 'PUT item_action': [done()] };
    expect(await act()).toMatchObject({ state: 'refused', code: 'version_changed' });
    expect(asked).toEqual(['POST read_file']);
  });

  test('what is gone before is not said to be done by us', async () => {
    answers = { 'POST read_file': [json(404, {})], 'PUT item_action': [done()] };
    expect(await act()).toMatchObject({ state: 'failed', code: 'not_found' });
    expect(asked).toEqual(['POST read_file']);
  });

  test('a new file in the place of the one that was moved is told, to be scanned', async () => {
    answers = { 'POST read_file': [bytes(BAD), bytes('new')], 'PUT item_action': [done('move')] };
    expect(await act('move')).toMatchObject({ state: 'done', current: { location: '/data/a.txt', size: 3 } });
  });
});

describe('asking for a scan', () => {
  test.each([
    ['an error with status 200', json(200, { status: 'error', message: 'no handler' }), 'configuration'],
    ['HTTP 401', json(401, {}), 'credentials'],
    ['HTTP 503', json(503, {}), 'unreachable'],
    ['HTTP 500', json(500, {}), 'configuration'],
  ])('%s says that none began', async (_, answer, code) => {
    answers = { 'POST full_scan': [answer] };
    await expect(connector.askScan('job-1', SIGNAL)).rejects.toMatchObject({ code });
  });

  test('without an answer nobody knows, and it is not asked again', async () => {
    answers = { 'POST full_scan': [(response) => response.destroy()], 'GET healthz': [json(200, { ok: true })] };
    expect(await connector.askScan('job-1', SIGNAL)).toBe(false);
    expect(asked.filter((what) => what === 'POST full_scan')).toHaveLength(1);
  });
});
