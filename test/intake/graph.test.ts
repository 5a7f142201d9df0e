import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientStateOf } from '../../intake/client-state.ts';
import { IntakeError } from '../../intake/intake.ts';
import { type Door, type Issuer, startDoor, startIssuer } from './support.ts';

const SECRET = 'graph-secret-0123456789';
const OLD = 'graph-secret-of-before';
const TENANT = '11111111-2222-3333-4444-555555555555';
const CLIENT = '66666666-2222-3333-4444-555555555555';
const PATH = '/events/graph/drive';

let issuer: Issuer;
let door: Door;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.stop());
beforeEach(async () => {
  const webhook = [
    {
      source: 'graph',
      url: 'https://dsx.example.com/dsx-connect/api/v1/events/graph/drive',
      secret: SECRET,
      previousSecret: OLD,
      issuer: issuer.issuer,
      jwksUrl: issuer.jwksUrl,
    },
  ];
  const access = { tenantId: TENANT, clientId: CLIENT, clientSecret: 'client-secret' };
  door = await startDoor({ id: 'drive', kind: 'onedrive', users: 'anna@example.com', ...access, watch: { webhook } });
});
afterEach(() => door.stop());

const note = (clientState: unknown, more: Record<string, unknown> = {}) => ({
  subscriptionId: 'aaaaaaaa-0000-0000-0000-000000000001',
  clientState,
  changeType: 'updated',
  resource: 'drives/b!x/root',
  resourceData: { '@odata.type': '#Microsoft.Graph.DriveItem' },
  tenantId: TENANT,
  ...more,
});
const send = (body: unknown) => door.send(PATH, JSON.stringify(body), { 'content-type': 'application/json' });
const STATE = clientStateOf(SECRET, 'drive');

describe('notifications', () => {
  it('wake the watch, and are answered when that is certain', async () => {
    expect(await send({ value: [note(STATE), note(STATE)] })).toMatchObject({ status: 202 });
    expect(door.woken).toEqual([{ connector: 'drive', reason: 'changed' }]);
    door.wakeFault = new IntakeError('unavailable', 'nothing watches', 60_000);
    expect(await send({ value: [note(STATE)] })).toMatchObject({
      status: 503,
      code: 'intake_unavailable',
      retryAfter: '60',
    });
  });

  it('of subscriptions that were made with the secret of before are ours too', async () => {
    expect(await send({ value: [note(clientStateOf(OLD, 'drive'))] })).toMatchObject({ status: 202 });
  });

  it.each([
    ['reauthorizationRequired', 'reauthorize'],
    ['subscriptionRemoved', 'subscription_removed'],
    ['missed', 'missed'],
  ])('that say %s wake it with the reason %s', async (lifecycleEvent, reason) => {
    expect(await send({ value: [note(STATE, { lifecycleEvent, changeType: undefined })] })).toMatchObject({
      status: 202,
    });
    expect(door.woken).toEqual([{ connector: 'drive', reason }]);
  });

  it.each([
    undefined,
    null,
    '',
    'x',
    `${STATE}x`,
    STATE.toLowerCase(),
    SECRET,
    [STATE],
    clientStateOf(SECRET, 'other'),
  ])('with the clientState %j are refused', async (clientState) => {
    expect(await send({ value: [note(clientState)] })).toMatchObject({ status: 401, code: 'delivery_unverified' });
    expect(door.woken).toEqual([]);
  });

  it('that are not ours are passed over among those that are', async () => {
    const lost = note('x', { lifecycleEvent: 'missed' });
    expect(await send({ value: [lost, note(STATE)] })).toMatchObject({ status: 202 });
    expect(door.woken).toEqual([{ connector: 'drive', reason: 'changed' }]);
  });

  it.each(['', '{', '[]', '{}', '{"value":{}}', '{"value":[]}', '{"value":[1]}'])('%j is refused', async (body) => {
    expect((await door.send(PATH, body)).status).toBe(401);
  });

  it('tokens that come along must be good, for our application and of the service that notifies', async () => {
    const claims = { aud: CLIENT, azp: '0bf30f3b-4a52-48df-9a82-234910c4a086', tid: TENANT };
    const withTokens = async (...validationTokens: unknown[]) =>
      (await send({ value: [note(STATE)], validationTokens })).status;
    const good = await issuer.token(claims);
    expect(await withTokens(good)).toBe(202);
    door.woken.length = 0;
    expect(await withTokens(good, await issuer.token({ ...claims, aud: 'other' }))).toBe(401);
    expect(await withTokens(await issuer.token({ ...claims, azp: CLIENT }))).toBe(403);
    expect(await withTokens(await issuer.token(claims, { foreign: true }))).toBe(401);
    expect(await withTokens(1)).toBe(401);
    expect(door.woken).toEqual([]);
  });
});

describe('the test of a new subscription', () => {
  const ask = (token: string, path = PATH) => door.api.ask(`${path}?validationToken=${token}`, { method: 'POST' });

  it('is answered with its token as plain text', async () => {
    const token = 'Validation: Testing client application reachability for subscription Request-Id: 8a9f-1';
    for (const encoded of [encodeURIComponent(token), encodeURIComponent(token).replaceAll('%20', '+')]) {
      const response = await ask(encoded);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(await response.text()).toBe(token);
    }
  });

  it.each(['%3Cscript%3E', '%0d%0aSet-Cookie:x', '%00', '%C3%A9', '', 'a&validationToken=b', '%26lt'])(
    'with the token %j is refused',
    async (token) => {
      const response = await ask(token);
      expect(response.status).toBe(400);
      expect(await response.text()).not.toContain('script');
    },
  );

  it('with a token of more than 1024 characters is refused', async () => {
    expect((await ask('x'.repeat(1024))).status).toBe(200);
    expect((await ask('x'.repeat(1025))).status).toBe(400);
  });

  it('is not answered for connectors that nobody calls for', async () => {
    expect((await ask('x', '/events/graph/other')).status).toBe(404);
    expect((await ask('x', '/events/s3/drive')).status).toBe(404);
    expect((await ask('x', '/events/signed/drive')).status).toBe(404);
  });
});
