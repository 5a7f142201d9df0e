import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Door, type Issuer, startDoor, startIssuer } from './support.ts';

const TOPIC = '/subscriptions/0a/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acct';
const TENANT = '11111111-2222-3333-4444-555555555555';
const EVENT_GRID = '4962773b-9cdb-44cf-a8bf-237846a00ab7';
const AUDIENCE = 'api://dsx-connect';
const SECRET = 'grid-secret-0123456789';
const PATH = '/events/event-grid/uploads';
const BASE = { id: 'uploads', kind: 'azure_blob_storage', asset: 'uploads/in', account: 'acct', identity: 'managed' };

const created = (name: string, more: Record<string, unknown> = {}, data: Record<string, unknown> = {}) => ({
  id: `831e1650-001e-001b-66ab-${name}`,
  eventType: 'Microsoft.Storage.BlobCreated',
  topic: TOPIC,
  subject: `/blobServices/default/containers/uploads/blobs/${name}`,
  eventTime: '2026-11-23T10:00:00.1234567Z',
  data: {
    api: 'PutBlob',
    eTag: '0x8D4BCC2E4835CD0',
    contentLength: 3,
    blobType: 'BlockBlob',
    url: `https://acct.blob.core.windows.net/uploads/${encodeURI(name)}`,
    sequencer: '00000000000004420000000000028963',
    ...data,
  },
  dataVersion: '',
  metadataVersion: '1',
  ...more,
});

/** The same as CloudEvents 1.0. */
const cloud = (name: string) => {
  const { eventType, topic, eventTime, dataVersion: _, metadataVersion: __, ...rest } = created(name);
  return { specversion: '1.0', type: eventType, source: topic, time: eventTime, ...rest };
};

const handshake = (topic = TOPIC) => [
  {
    id: '2d1781af-3a4c-4d7c-bd0c-e34b19da4e66',
    eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
    topic,
    subject: '',
    data: { validationCode: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6', validationUrl: 'https://evil.example/validate' },
    eventTime: '2026-11-23T10:00:00Z',
    metadataVersion: '1',
    dataVersion: '1',
  },
];

describe('with a secret', () => {
  let door: Door;
  beforeEach(async () => {
    door = await startDoor({
      ...BASE,
      watch: { webhook: [{ source: 'event-grid', topic: TOPIC, secret: SECRET, query: 'key' }] },
    });
  });
  afterEach(() => door.stop());
  const send = (body: unknown, path = `${PATH}?key=${SECRET}`, type = 'application/json') =>
    door.send(path, JSON.stringify(body), { 'content-type': type });

  it('events of both schemas are taken, one or many, their names as they are', async () => {
    expect(await send([created('in/a.txt'), created('in/b %41+.txt')])).toMatchObject({
      status: 200,
      body: { taken: 2 },
    });
    expect(await send(cloud('in/c.txt'), undefined, 'application/cloudevents+json')).toMatchObject({
      body: { taken: 1 },
    });
    const batch = 'application/cloudevents-batch+json; charset=utf-8';
    expect(await send([cloud('in/d/é.txt')], undefined, batch)).toMatchObject({ body: { taken: 1 } });
    expect(door.intake.locations).toEqual(['a.txt', 'b %41+.txt', 'c.txt', 'd/é.txt']);
    expect(door.intake.events[0]?.event).toMatchObject({
      version: '0x8D4BCC2E4835CD0',
      at: '2026-11-23T10:00:00.123Z',
    });
  });

  it('a file of a hierarchical namespace counts when it is written, and when it is renamed', async () => {
    const made = created('in/f', {}, { api: 'CreateFile', contentLength: 0 });
    const flushed = created('in/f', { id: 'flush' }, { api: 'FlushWithClose' });
    const renamed = created('in/g', { eventType: 'Microsoft.Storage.BlobRenamed' }, { api: 'RenameFile' });
    expect(await send([made, flushed, renamed])).toMatchObject({ body: { taken: 2, ignored: 1 } });
    expect(door.intake.locations).toEqual(['f', 'g']);
  });

  it('deletions, other changes and what lies elsewhere are answered, and not scanned', async () => {
    const others = ['BlobDeleted', 'DirectoryRenamed', 'BlobTierChanged', 'BlobPropertiesUpdated'];
    const events = others.map((type) => created('in/x', { eventType: `Microsoft.Storage.${type}` }));
    const outside = [created('out/x'), created('in/'), created('in', {}), created('inner/x')];
    const elsewhere = created('x', { subject: '/blobServices/default/containers/other/blobs/in/x' });
    expect(await send([...events, ...outside, elsewhere])).toMatchObject({
      status: 200,
      body: { taken: 0, ignored: 9 },
    });
  });

  it('the handshake is answered at once, and the address in it is not visited', async () => {
    expect(await send(handshake())).toMatchObject({
      status: 200,
      body: { validationResponse: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6' },
    });
    expect(await send(handshake(TOPIC.toUpperCase()))).toMatchObject({ status: 200 });
  });

  it('the handshake is no proof: without the secret, or for another topic, it is not answered', async () => {
    expect(await send(handshake(), PATH)).toMatchObject({ status: 401, code: 'delivery_unverified' });
    expect(await send(handshake(`${TOPIC}2`))).toMatchObject({ status: 403, code: 'delivery_refused' });
    const code = handshake();
    Object.assign(code[0]?.data ?? {}, { validationCode: '<script>' });
    expect(await send(code)).toMatchObject({ status: 400, code: 'delivery_invalid' });
  });

  it.each(['', '?key=', `?key=${SECRET}x`, `?key=${SECRET}&key=${SECRET}`, `?other=${SECRET}`])(
    'is refused with the query %j',
    async (query) => {
      expect(await send([created('in/a')], `${PATH}${query}`)).toMatchObject({
        status: 401,
        code: 'delivery_unverified',
      });
      expect(door.intake.events).toEqual([]);
    },
  );

  it('events of another topic are refused, all of them', async () => {
    const body = [created('in/a'), created('in/b', { topic: `${TOPIC}2` })];
    expect(await send(body)).toMatchObject({ status: 403, code: 'delivery_refused' });
    expect(door.intake.events).toEqual([]);
  });

  it.each([
    ['eventgrid.azure.net', 200],
    ['eventgrid.azure.us', 200],
    ['eventgrid.azure.net.evil.example', 403],
    ['evil.example', 403],
  ])('asked by OPTIONS for %s it answers %i', async (origin, status) => {
    const headers = { 'webhook-request-origin': origin, 'webhook-request-callback': 'https://evil.example/' };
    const response = await door.api.ask(PATH, { method: 'OPTIONS', headers });
    expect(response.status).toBe(status);
    expect(response.headers.get('webhook-allowed-origin')).toBe(status === 200 ? origin : null);
    const other = await door.api.ask('/events/event-grid/none', { method: 'OPTIONS', headers });
    expect(other.status).toBe(404);
  });

  it('without a topic the account of the connector decides', async () => {
    const free = await startDoor({ ...BASE, watch: { webhook: [{ source: 'event-grid', secret: SECRET }] } });
    const body = [created('in/a'), created('in/b', { topic: TOPIC.replace(/acct$/, 'other') })];
    const answer = await free.send(PATH, JSON.stringify(body), { 'x-dsx-webhook-secret': SECRET });
    expect(answer).toMatchObject({ body: { taken: 1, ignored: 1 } });
    await free.stop();
  });
});

describe('with a token of Entra', () => {
  let issuer: Issuer;
  let door: Door;
  beforeAll(async () => {
    issuer = await startIssuer();
    const authority = { issuer: issuer.issuer, jwksUrl: issuer.jwksUrl };
    const webhook = [{ source: 'event-grid', tenantId: TENANT, audience: AUDIENCE, ...authority }];
    door = await startDoor({ ...BASE, watch: { webhook } });
  });
  afterAll(async () => {
    await door.stop();
    await issuer.stop();
  });
  const send = (token: string | undefined) =>
    door.send(PATH, JSON.stringify([created('in/a')]), token === undefined ? {} : { authorization: `Bearer ${token}` });
  const claims = { aud: AUDIENCE, appid: EVENT_GRID, tid: TENANT };

  it('is taken, by either version of tokens', async () => {
    expect(await send(await issuer.token(claims))).toMatchObject({ status: 200, body: { taken: 1 } });
    const second = { aud: AUDIENCE, azp: EVENT_GRID.toUpperCase(), tid: TENANT };
    expect(await send(await issuer.token(second))).toMatchObject({ status: 200 });
    expect(issuer.asked).toEqual(['/keys']);
  });

  it('is refused without a token, and with one that is expired, of another key, or changed', async () => {
    const good = await issuer.token(claims);
    const [header, , signature] = good.split('.');
    const forged = Buffer.from(JSON.stringify({ ...claims, iss: issuer.issuer, exp: 9e9, iat: 0 })).toString(
      'base64url',
    );
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const bad = [
      undefined,
      'x',
      await issuer.token(claims, { expired: true }),
      await issuer.token(claims, { foreign: true }),
      `${header}.${forged}.${signature}`,
      `${none}.${forged}.`,
    ];
    for (const token of bad) expect(await send(token)).toMatchObject({ status: 401, code: 'delivery_unverified' });
  });

  it.each([
    [{ aud: 'api://other' }, 401],
    [{ iss: 'https://other.example' }, 401],
    [{ appid: '00000000-0000-0000-0000-000000000000' }, 403],
    [{ appid: undefined }, 403],
    [{ azp: '00000000-0000-0000-0000-000000000000' }, 403],
    [{ tid: '99999999-2222-3333-4444-555555555555' }, 403],
  ])('is refused with the claims %j', async (other, status) => {
    expect((await send(await issuer.token({ ...claims, ...other }))).status).toBe(status);
  });
});
