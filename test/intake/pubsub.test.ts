import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Door, type Issuer, startDoor, startIssuer } from './support.ts';

const ACCOUNT = 'pusher@project.iam.gserviceaccount.com';
const AUDIENCE = 'https://dsx.example.com/events';
const SUBSCRIPTION = 'projects/p/subscriptions/uploads';
const PATH = '/events/pubsub/uploads';

const object = (name: string, more: Record<string, unknown> = {}) => ({
  kind: 'storage#object',
  bucket: 'uploads',
  name,
  generation: '1700000000000001',
  metageneration: '1',
  size: '3',
  md5Hash: 'x',
  timeCreated: '2026-11-23T10:00:00.000Z',
  ...more,
});

const pushed = (name: string, attributes: Record<string, string> = {}, subscription = SUBSCRIPTION) => ({
  message: {
    attributes: {
      bucketId: 'uploads',
      objectId: name,
      eventType: 'OBJECT_FINALIZE',
      objectGeneration: '1700000000000001',
      payloadFormat: 'JSON_API_V1',
      eventTime: '2026-11-23T10:00:01.000Z',
      ...attributes,
    },
    data: Buffer.from(JSON.stringify(object(name))).toString('base64'),
    messageId: '136969346945',
    publishTime: '2026-11-23T10:00:02.000Z',
  },
  subscription,
});

let issuer: Issuer;
let door: Door;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.stop());
beforeEach(async () => {
  issuer.status = 200;
  const { issuer: iss, jwksUrl } = issuer;
  const webhook = [
    { source: 'pubsub', audience: AUDIENCE, serviceAccount: ACCOUNT, subscription: SUBSCRIPTION, issuer: iss, jwksUrl },
  ];
  door = await startDoor({ id: 'uploads', kind: 'google_cloud_storage', asset: 'uploads/in', watch: { webhook } });
});
afterEach(() => door.stop());

const claims = { aud: AUDIENCE, email: ACCOUNT, email_verified: true, sub: '1' };
const send = async (body: unknown, headers: Record<string, string> = {}, more: Record<string, unknown> = {}) =>
  door.send(PATH, JSON.stringify(body), {
    authorization: `Bearer ${await issuer.token({ ...claims, ...more })}`,
    'content-type': 'application/json',
    ...headers,
  });

describe('Pub/Sub push', () => {
  it('an object that was finished is taken, its name as it is', async () => {
    for (const name of ['in/a.txt', 'in/b %41+.txt', 'in/é//c']) {
      expect(await send(pushed(name))).toMatchObject({ status: 200, body: { taken: 1 } });
    }
    expect(door.intake.locations).toEqual(['a.txt', 'b %41+.txt', 'é//c']);
    expect(door.intake.events[0]?.event).toMatchObject({ version: '1700000000000001', at: '2026-11-23T10:00:00.000Z' });
  });

  it('a later generation has the greater order, however many digits it has', async () => {
    for (const objectGeneration of ['999', '1000', '1700000000000001'])
      await send(pushed('in/a', { objectGeneration }));
    const orders = door.intake.events.map(({ event }) => event.order ?? '');
    expect([...orders].sort()).toEqual(orders);
    expect(new Set(orders).size).toBe(3);
  });

  it.each(['OBJECT_METADATA_UPDATE', 'OBJECT_DELETE', 'OBJECT_ARCHIVE'])(
    '%s is answered, and nothing is scanned',
    async (eventType) => {
      expect(await send(pushed('in/a', { eventType }))).toMatchObject({ status: 200, body: { taken: 0, ignored: 1 } });
    },
  );

  it('another bucket, another prefix, quarantine, a folder and what a person published are answered, and not scanned', async () => {
    const bodies = [
      pushed('in/a', { bucketId: 'other' }),
      pushed('out/a'),
      pushed('inner'),
      pushed('dsxconnect-quarantine/a'),
      { message: { data: Buffer.from('hello').toString('base64'), messageId: '1' }, subscription: SUBSCRIPTION },
    ];
    for (const body of bodies) expect(await send(body)).toMatchObject({ status: 200, body: { taken: 0, ignored: 1 } });
  });

  it('another subscription is refused, and what is no envelope', async () => {
    expect(await send(pushed('in/a', {}, `${SUBSCRIPTION}2`))).toMatchObject({ status: 403, code: 'delivery_refused' });
    for (const body of [{}, [], 'x', { message: 1 }]) {
      expect(await send(body)).toMatchObject({ status: 400, code: 'delivery_invalid' });
    }
  });

  it.each([
    [{ aud: 'https://other.example' }, 401],
    [{ iss: 'https://other.example' }, 401],
    [{ email: 'other@project.iam.gserviceaccount.com' }, 403],
    [{ email: undefined }, 403],
    [{ email_verified: false }, 403],
    [{ email_verified: 'true' }, 403],
  ])('is refused with the claims %j', async (more, status) => {
    expect((await send(pushed('in/a'), {}, more)).status).toBe(status);
    expect(door.intake.events).toEqual([]);
  });

  it('is refused with a token that is expired or of another key, or without one', async () => {
    const body = JSON.stringify(pushed('in/a'));
    for (const options of [{ expired: true }, { foreign: true }]) {
      const authorization = `Bearer ${await issuer.token(claims, options)}`;
      expect(await door.send(PATH, body, { authorization })).toMatchObject({
        status: 401,
        code: 'delivery_unverified',
      });
    }
    expect(await door.send(PATH, body)).toMatchObject({ status: 401 });
  });

  it('while the keys can not be had, it is to come again', async () => {
    issuer.status = 500;
    expect(await send(pushed('in/a'))).toMatchObject({
      status: 503,
      code: 'verification_unavailable',
      retryAfter: '30',
    });
    issuer.status = 200;
    expect(await send(pushed('in/a'))).toMatchObject({ status: 200, body: { taken: 1 } });
  });
});

describe('Eventarc', () => {
  const type = (kind: string) => ({
    'ce-id': '1',
    'ce-specversion': '1.0',
    'ce-source': '//storage.googleapis.com/projects/_/buckets/uploads',
    'ce-type': `google.cloud.storage.object.v1.${kind}`,
    'ce-subject': 'objects/ignored',
  });

  it('an object that was finished is taken; other changes are not', async () => {
    expect(await send(object('in/a.txt'), type('finalized'))).toMatchObject({ status: 200, body: { taken: 1 } });
    for (const kind of ['deleted', 'archived', 'metadataUpdated']) {
      expect(await send(object('in/b.txt'), type(kind))).toMatchObject({ status: 200, body: { taken: 0, ignored: 1 } });
    }
    expect(door.intake.locations).toEqual(['a.txt']);
  });

  it('the same write by push and by Eventarc has one id', async () => {
    await send(object('in/a.txt'), type('finalized'));
    await send(pushed('in/a.txt'));
    const [one, other] = door.intake.events.map(({ event }) => event.id);
    expect(one).toBe(other);
  });
});
