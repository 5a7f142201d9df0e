import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { scanBodyAnswer, scanItemsAnswer, scannerCheckAnswer } from '../../api/answer-schemas.ts';
import { API_PREFIX, type Problem } from '../../api/contract.ts';
import type { NamedScanner } from '../../api/deps.ts';
import { createScanner } from '../../scanner/client.ts';
import { EICAR } from '../../scanner/standin/eicar.ts';
import { type Standin, startStandin } from '../../scanner/standin/server.ts';
import { buildJob } from '../ledger/fixture.ts';
import { type Api, json, startApi } from './fixture.ts';

let standin: Standin;
let named: NamedScanner[];
let api: Api;
beforeAll(async () => {
  standin = await startStandin();
  const settings = { url: standin.url, maxBytes: 1_000_000, noProgressMs: 2_000 };
  named = [
    { name: 'dsxa', standIn: false, scanner: createScanner({ ...settings, name: 'dsxa', allowStandIn: true }) },
    { name: 'standin', standIn: true, scanner: createScanner({ ...settings, name: 'standin', allowStandIn: true }) },
    { name: 'strict', standIn: false, scanner: createScanner({ ...settings, name: 'strict', allowStandIn: false }) },
  ];
});
afterAll(async () => {
  for (const { scanner } of named) await scanner.close();
  await standin.stop();
});
beforeEach(async () => {
  standin.reset();
  api = await startApi({ scanners: named });
});
afterEach(() => api.stop());

const octets = (body: unknown, headers: Record<string, string> = {}): RequestInit =>
  ({
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', ...headers },
    body,
    duplex: 'half',
  }) as RequestInit;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a body', () => {
  test.each([
    ['clean bytes', randomBytes(100_000), 'clean'],
    ['EICAR', EICAR, 'malicious'],
    ['nothing at all', Buffer.alloc(0), 'clean'],
  ])('%s: the outcome, with hash and size of what was judged', async (_name, bytes, outcome) => {
    const response = await api.ask('/scan?scanner=standin', octets(bytes));
    expect(response.status).toBe(200);
    const answer = scanBodyAnswer.parse(await response.json());
    expect(answer).toMatchObject({ outcome, sha256: sha256(bytes), size: bytes.length, standIn: true });
  });

  test('without a length is streamed all the same', async () => {
    const stream = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 5; i += 1) controller.enqueue(Buffer.alloc(10_000, i));
        controller.close();
      },
    });
    const response = await api.ask('/scan', octets(stream));
    expect(await response.json()).toMatchObject({ outcome: 'clean', size: 50_000 });
  });

  test('above what the scanner takes is refused, announced or not, and is never clean', async () => {
    const big = Buffer.alloc(1_500_000);
    const announced = await api.ask('/scan', octets(big));
    expect([announced.status, ((await announced.json()) as Problem).code]).toEqual([413, 'body_too_large']);
    expect(standin.stats().scans).toBe(0);
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(big);
        controller.close();
      },
    });
    const streamed = await api.ask('/scan', octets(stream));
    expect([streamed.status, ((await streamed.json()) as Problem).code]).toEqual([413, 'body_too_large']);
  });

  test('needs a scanner that is named', async () => {
    const bare = await startApi({ scanners: named.filter(({ standIn }) => standIn) });
    try {
      const response = await bare.ask('/scan', octets(EICAR));
      expect([response.status, ((await response.json()) as Problem).code]).toEqual([409, 'scanner_not_named']);
    } finally {
      await bare.stop();
    }
  });

  test('is not judged by a stand-in where none is allowed', async () => {
    const response = await api.ask('/scan?scanner=strict', octets(EICAR));
    expect([response.status, (await response.json()) as Problem]).toMatchObject([
      503,
      { code: 'scanner_unavailable', reason: 'scanner_config' },
    ]);
  });

  test.each([
    ['html', 502, 'scanner_failed', 'scanner_protocol'],
    ['wrong-hash', 502, 'scanner_failed', 'scanner_mismatch'],
    ['503', 503, 'scanner_unavailable', 'scanner_busy'],
  ])('the fault %s of the scanner is a problem, never a verdict', async (fault, status, code, reason) => {
    standin.setFaults([fault]);
    const response = await api.ask('/scan', octets(Buffer.from('text')));
    expect([response.status, (await response.json()) as Problem]).toMatchObject([status, { code, reason }]);
  });

  test('that ends before its length has no verdict, and the next one is served', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(api.port, '127.0.0.1');
      socket.on('close', () => resolve());
      socket.write(
        `POST ${API_PREFIX}/scan HTTP/1.1\r\nHost: 127.0.0.1:${api.port}\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\nshort`,
        () => socket.destroy(),
      );
    });
    await vi.waitFor(() => expect(named[0]?.scanner.state().inFlight).toBe(0));
    const response = await api.ask('/scan', octets(EICAR));
    expect(((await response.json()) as { outcome: string }).outcome).toBe('malicious');
  });
});

describe('the connection test', () => {
  test.each(['GET', 'POST'])('%s tells which scanner answered, and whether it is a stand-in', async (method) => {
    const response = await api.ask('/test/dsxa-connection?scanner=standin', { method });
    expect(response.status).toBe(200);
    expect(scannerCheckAnswer.parse(await response.json())).toMatchObject({
      scanner: 'standin',
      ok: true,
      standIn: true,
    });
  });

  test('of a scanner that is not there says so', async () => {
    const scanner = createScanner({ name: 'dsxa', url: 'http://127.0.0.1:1', allowStandIn: false });
    const alone = await startApi({ scanners: [{ name: 'dsxa', standIn: false, scanner }] });
    try {
      expect(await alone.client().testScanner()).toMatchObject({
        scanner: 'dsxa',
        ok: false,
        code: 'scanner_unreachable',
      });
      expect((await alone.client().readyz()).checks.find(({ name }) => name === 'scanner')?.state).toBe('problem');
    } finally {
      await alone.stop();
      await scanner.close();
    }
  });
});

describe('named items', () => {
  const body = {
    connector: 'share',
    items: [{ location: 'a.docx' }, { location: 'b\ufffd.docx', locationBytes: 'Yv8uZG9jeA==' }],
  };

  test('are written down before the scan is started, which is told with 202', async () => {
    const response = await api.ask('/scan', json({ ...body, scanner: 'standin' }));
    expect(response.status).toBe(202);
    const { job, state, rows } = scanItemsAnswer.parse(await response.json());
    expect([state, rows]).toEqual(['running', undefined]);
    const started = api.control.running.get(`requested-scan:${job}`)?.request;
    expect(started).toMatchObject({
      job,
      kind: 'requested',
      source: { kind: 'connector', id: 'share' },
      settings: { scanner: 'standin', action: 'move' },
    });
    const intake = started?.intake;
    if (intake === undefined) throw new Error('no intake page');
    expect(await (await api.ledger.open()).job(job).readIntake(intake)).toEqual(body.items);
    expect(await api.client().pause(job)).toMatchObject({ state: 'paused' });
  });

  test('are waited for as long as asked, and come with their rows', async () => {
    let rows: unknown;
    api.control.onWait = async ({ job }) => {
      const built = await buildJob((await api.ledger.open()).job(job), { pages: [['clean', 'malicious']] });
      rows = built.rows;
    };
    const response = await api.ask('/scan', json({ ...body, waitSeconds: 5 }));
    expect(response.status).toBe(200);
    const answer = scanItemsAnswer.parse(await response.json());
    expect(answer.rows).toEqual(rows);
    expect(answer.state).toMatch(/^completed/);
  });

  test.each([
    [{ ...body, items: [] }, 400],
    [{ ...body, items: Array.from({ length: 1_001 }, () => ({ location: 'x' })) }, 400],
    [{ ...body, items: [{ location: '' }] }, 400],
    [{ ...body, items: [{ location: 'b', locationBytes: 'Yv8=' }] }, 400],
    [{ ...body, items: [{ location: 'b', locationBytes: '!' }] }, 400],
    [{ ...body, waitSeconds: 301 }, 400],
    [{ ...body, connector: 'none' }, 404],
    [{ items: body.items }, 400],
  ])('%j is refused', async (bad, status) => {
    expect((await api.ask('/scan', json(bad))).status).toBe(status);
    expect(api.control.running.size).toBe(0);
  });
});
