import { request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { API_PREFIX } from '../../api/contract.ts';
import { createLocalDeliveries } from '../../intake/delivery-memory.ts';
import { IntakeError } from '../../intake/intake.ts';
import { createRedisDeliveries } from '../../intake/redis-deliveries.ts';
import { startValkey } from '../support/valkey.ts';
import { type Door, signedHeaders, startDoor } from './support.ts';

const NEW = Buffer.alloc(32, 1).toString('base64');
const OLD = Buffer.alloc(24, 2).toString('base64');
const PATH = '/events/signed/share';
const webhook = [{ source: 'signed', secret: `whsec_${NEW}`, previousSecret: OLD }];
const CONNECTOR = { id: 'share', kind: 'filesystem', asset: '/srv/share', watch: { webhook } };

let door: Door;
beforeEach(async () => {
  door = await startDoor(CONNECTOR);
});
afterEach(() => door.stop());

/** A request whose body never ends. */
function slowPost(port: number, begin: string) {
  const options = { host: '127.0.0.1', port, method: 'POST', path: `${API_PREFIX}${PATH}`, agent: false };
  const request = httpRequest({ ...options, headers: { 'content-length': 1_000_000 } });
  request.on('error', () => undefined);
  const sent = new Promise<void>((resolve) => request.write(begin, () => resolve()));
  const status = new Promise<number>((resolve) => {
    request.once('response', (response) => resolve(response.resume().statusCode ?? 0));
  });
  return { sent, status, stop: () => void request.destroy() };
}

let id = 0;
const send = (body: unknown, headers?: Record<string, string>) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  id += 1;
  return door.send(PATH, text, headers ?? signedHeaders(text, NEW, { id: `msg_${id}` }));
};

describe('a signed delivery', () => {
  it('is taken: one item or many, bare or in data', async () => {
    expect(await send({ location: 'a.txt' })).toMatchObject({ status: 200, body: { taken: 1, ignored: 0 } });
    expect(await send({ items: [{ location: 'b' }, { location: 'ü//c d%41+' }] })).toMatchObject({
      body: { taken: 2 },
    });
    const data = { items: [{ location: 'd', version: 'v1', order: '0002', at: '2026-11-23T11:00:00+01:00' }] };
    expect(await send({ type: 'file.created', timestamp: '2026-11-23T10:00:00Z', data })).toMatchObject({
      status: 200,
    });
    expect(door.intake.locations).toEqual(['a.txt', 'b', 'ü//c d%41+', 'd']);
    const last = door.intake.events.at(-1)?.event;
    expect(last).toMatchObject({ version: 'v1', order: '0002', at: '2026-11-23T10:00:00.000Z' });
    expect(new Set(door.intake.events.map(({ event }) => event.id)).size).toBe(4);
  });

  it('names items that are not UTF-8 by their bytes', async () => {
    const bytes = Buffer.from([0x61, 0xff]);
    const item = { location: bytes.toString('utf8'), locationBytes: bytes.toString('base64') };
    expect(await send(item)).toMatchObject({ status: 200 });
    expect(door.intake.events[0]?.event).toMatchObject(item);
    expect(await send({ ...item, location: 'other' })).toMatchObject({ status: 400, code: 'delivery_invalid' });
  });

  it('is taken with either of two live secrets, and with several signatures', async () => {
    const body = '{"location":"a"}';
    expect((await send(body, signedHeaders(body, OLD, { id: 'old' }))).status).toBe(200);
    const headers = signedHeaders(body, NEW, { id: 'two' });
    const signature = `v1,AAAA v1a,BBBB ${headers['webhook-signature']}`;
    expect((await send(body, { ...headers, 'webhook-signature': signature })).status).toBe(200);
  });

  it.each<[string, (headers: Record<string, string>) => Record<string, string>]>([
    ['no headers', () => ({})],
    ['another id', (h) => ({ ...h, 'webhook-id': 'msg_other' })],
    ['an id with a dot', (h) => ({ ...h, 'webhook-id': 'msg.1' })],
    ['another time', (h) => ({ ...h, 'webhook-timestamp': String(Number(h['webhook-timestamp']) + 1) })],
    ['a time with more behind it', (h) => ({ ...h, 'webhook-timestamp': `${h['webhook-timestamp']}x` })],
    [
      'a signature of another version',
      (h) => ({ ...h, 'webhook-signature': h['webhook-signature']?.replace('v1,', 'v2,') ?? '' }),
    ],
    ['no signature', ({ 'webhook-signature': _, ...h }) => h],
  ])('is refused with %s', async (_what, change) => {
    const body = '{"location":"a"}';
    expect(await send(body, change(signedHeaders(body, NEW)))).toMatchObject({
      status: 401,
      code: 'delivery_unverified',
    });
    expect(door.intake.events).toEqual([]);
  });

  it('is refused with another body, another secret, or more than five minutes off', async () => {
    const body = '{"location":"a"}';
    const now = Math.floor(Date.now() / 1000);
    const other = Buffer.alloc(32, 3).toString('base64');
    for (const headers of [
      signedHeaders('{"location":"b"}', NEW),
      signedHeaders(body, other),
      signedHeaders(body, NEW, { seconds: now - 310 }),
      signedHeaders(body, NEW, { seconds: now + 310 }),
    ]) {
      expect(await send(body, headers)).toMatchObject({ status: 401, code: 'delivery_unverified' });
    }
    expect((await send(body, signedHeaders(body, NEW, { seconds: now - 280 }))).status).toBe(200);
  });

  it('is verified byte for byte: what is not UTF-8 is refused', async () => {
    const raw = Buffer.concat([Buffer.from('{"location":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    const headers = signedHeaders(raw.toString('utf8'), NEW);
    expect((await door.send(PATH, raw, headers)).status).toBe(400);
    expect(door.intake.events).toEqual([]);
  });

  it.each([
    '[]',
    '{}',
    '{"items":[]}',
    '{"items":{}}',
    '{"location":""}',
    '{"location":1}',
    '{"location":"a","version":1}',
    '{"bucket":"b","key":"k"}',
    '{"data":[]}',
    'x',
    '{"location":"\\ud800"}',
  ])('that says %j can not be understood', async (body) => {
    expect(await send(body)).toMatchObject({ status: 400, code: 'delivery_invalid' });
    expect(door.intake.events).toEqual([]);
  });

  it('with a location of more than 4 KiB can not be understood', async () => {
    expect((await send({ location: 'x'.repeat(4097) })).status).toBe(400);
    expect((await send({ location: 'x'.repeat(4096) })).status).toBe(200);
  });

  it('of more than 1 MiB is refused, and so is a compressed one', async () => {
    expect(await send('x'.repeat(1024 * 1024 + 1))).toMatchObject({ status: 413, code: 'body_too_large' });
    expect(await send('x', { 'content-encoding': 'gzip' })).toMatchObject({ status: 415 });
  });

  it('names whole keys of a bucket, which are placed as the listing places them', async () => {
    const bucket = await startDoor({ id: 'share', kind: 'aws_s3', asset: 'reports/in', watch: { webhook } });
    const items = [{ bucket: 'reports', key: 'in/a' }, { bucket: 'other', key: 'in/a' }, { location: 'b' }];
    const body = JSON.stringify({ items });
    expect(await bucket.send(PATH, body, signedHeaders(body, NEW))).toMatchObject({ body: { taken: 2, ignored: 1 } });
    expect(bucket.intake.locations).toEqual(['a', 'b']);
    await bucket.stop();
  });
});

describe('bodies', () => {
  it('are held up to a bound, and who sends slowly keeps nobody else out', async () => {
    const slow = Array.from({ length: 80 }, () => slowPost(door.api.port, '{"location":'));
    await Promise.all(slow.map(({ sent }) => sent));
    expect((await send({ location: 'a' })).status).toBe(200);
    for (const { stop } of slow) stop();
  });

  it('beyond it are to come again, and small ones are taken all the same', async () => {
    const large = Array.from({ length: 70 }, () => slowPost(door.api.port, 'x'.repeat(999_000)));
    // 67 of them have room in 64 MiB.
    const refused = Promise.any(large.map(({ status }) => status));
    expect(await refused).toBe(429);
    expect((await send({ location: 'a' })).status).toBe(200);
    for (const { stop } of large) stop();
  });
});

describe('a signed delivery that is sent again', () => {
  const body = '{"location":"a"}';
  const headers = signedHeaders(body, NEW, { id: 'again' });

  it('is refused once it was taken, and taken when it was not', async () => {
    door.intake.fault = new IntakeError('unavailable', 'down', 1_000);
    expect(await send(body, headers)).toMatchObject({ status: 503, retryAfter: '1' });
    door.intake.fault = undefined;
    expect(await send(body, headers)).toMatchObject({ status: 200, body: { taken: 1 } });
    expect(await send(body, headers)).toMatchObject({ status: 409, code: 'delivery_repeated' });
    expect(
      await send(body, signedHeaders(body, NEW, { id: 'again', seconds: Math.floor(Date.now() / 1000) + 5 })),
    ).toMatchObject({
      status: 409,
    });
    expect(door.intake.events).toHaveLength(1);
  });

  it('many at once are taken once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(body, headers)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(door.intake.events).toHaveLength(1);
  });

  it('is refused by every API process that shares a Redis, and by the one that took it while Redis is away', async () => {
    const redis = await startValkey();
    const memories = [await createRedisDeliveries(redis.url), await createRedisDeliveries(redis.url)] as const;
    const doors = [
      await startDoor(CONNECTOR, { memory: memories[0] }),
      await startDoor(CONNECTOR, { memory: memories[1] }),
    ] as const;
    try {
      expect((await doors[0].send(PATH, body, headers)).status).toBe(200);
      expect(await doors[1].send(PATH, body, headers)).toMatchObject({ status: 409, code: 'delivery_repeated' });
      await redis.stop();
      const other = signedHeaders(body, NEW, { id: 'while-away' });
      expect((await doors[0].send(PATH, body, other)).status).toBe(200);
      expect((await doors[0].send(PATH, body, other)).status).toBe(409);
    } finally {
      for (const one of doors) await one.stop();
      for (const memory of memories) await memory.close();
      await redis.stop();
    }
  });

  it('is known for as long as its signature is good, in bounded memory', async () => {
    let now = 0;
    const memory = createLocalDeliveries(() => now, 3);
    const once = (id: string, whenFull: 'refuse' | 'go-on' = 'refuse') => ({ id, keepMs: 660_000, whenFull });
    for (const id of ['a', 'b', 'c']) {
      expect(await memory.begin(once(id))).toBe('new');
      await memory.keep(once(id));
    }
    expect(await memory.begin(once('a'))).toBe('taken');
    await expect(memory.begin(once('d'))).rejects.toMatchObject({ code: 'over_capacity' });
    expect(await memory.begin(once('d', 'go-on'))).toBe('new');
    now = 659_999;
    expect(await memory.begin(once('c'))).toBe('taken');
    now = 661_000;
    expect(await memory.begin(once('d'))).toBe('new');
    expect(await memory.begin(once('d'))).toBe('in-hand');
    now += 60_001;
    expect(await memory.begin(once('d'))).toBe('new');
    await memory.forget(once('d'));
    expect(await memory.begin(once('d'))).toBe('new');
  });
});
