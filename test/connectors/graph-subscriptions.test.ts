import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeepSubscription } from '../../activities/keep-subscription.ts';
import type { KeepSubscriptionInput, KeptSubscription } from '../../activities/types.ts';
import type { Connector } from '../../connectors/connector.ts';
import { createGraphConnector } from '../../connectors/graph/connector.ts';
import type { GraphSettings } from '../../connectors/graph/drives.ts';
import type { Callback, Subscriber } from '../../connectors/subscriber.ts';
import type { GraphFake } from '../../scripts/servers/graph/fake.ts';
import { FOLDER, onedriveSettings, sharepointSettings, startFake } from './graph-store.ts';

const never = new AbortController().signal;
const DAY = 86_400_000;
let fake: GraphFake;
let receiver: https.Server;
let callback: Callback;
const connectors: Connector[] = [];
const got: { clientState?: string; lifecycleEvent?: string; subscriptionId?: string }[] = [];
let deaf = false;

beforeEach(async () => {
  fake = await startFake();
  fake.library.makeFolder(FOLDER);
  got.length = 0;
  deaf = false;
  receiver = https.createServer({ key: fake.tls.key, cert: fake.tls.cert }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      if (body !== '') got.push(...JSON.parse(body).value);
      const token = new URL(request.url ?? '', 'https://x').searchParams.get('validationToken');
      response.writeHead(deaf ? 500 : 200, { 'content-type': 'text/plain' }).end(token ?? '');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  callback = {
    url: `https://127.0.0.1:${port}/events/graph/library`,
    clientState: 'a secret of forty-three characters or so',
  };
});
afterEach(async () => {
  for (const connector of connectors.splice(0)) await connector.close();
  receiver.closeAllConnections();
  receiver.close();
  await fake.stop();
});

function subscriber(settings: GraphSettings = sharepointSettings(fake)): Subscriber {
  const connector = createGraphConnector(settings);
  connectors.push(connector);
  return connector.subscriber?.() as Subscriber;
}

const all = () => [...fake.subscriptions.all.values()];

describe('subscriptions', () => {
  test('are made once, tell of changes with their secret, and live some days', async () => {
    const one = subscriber();
    const { id, expiresAt } = await one.keep(callback, never);
    expect(all().map((made) => made.id)).toEqual([id]);
    const left = Date.parse(expiresAt) - Date.now();
    expect(left).toBeGreaterThan(2 * DAY);
    expect(left).toBeLessThan(30 * DAY);
    fake.library.put(`${FOLDER}/a`, 'x');
    await fake.subscriptions.sent();
    expect(got).toMatchObject([{ subscriptionId: id, clientState: callback.clientState }]);
    fake.subscriptions.lifecycle(id, 'reauthorizationRequired');
    await fake.subscriptions.sent();
    expect(got[1]).toMatchObject({ lifecycleEvent: 'reauthorizationRequired' });
  });

  test('are renewed in place by whoever comes, and made anew when they are gone', async () => {
    const { id } = await subscriber().keep(callback, never);
    const before = fake.subscriptions.all.get(id)?.expirationDateTime as string;
    await expect.poll(() => Date.now()).toBeGreaterThan(Date.parse(before) - 3 * DAY);
    const renewed = await subscriber().keep(callback, never);
    expect(renewed.id).toBe(id);
    expect(renewed.expiresAt > before).toBe(true);
    fake.subscriptions.expire(id);
    const anew = await subscriber().keep(callback, never);
    expect(anew.id).not.toBe(id);
    expect(all()).toHaveLength(1);
  });

  test('are authorised anew when Graph asks for it', async () => {
    const one = subscriber();
    const { id } = await one.keep(callback, never);
    expect((await one.reauthorize(callback, never)).id).toBe(id);
    expect(fake.subscriptions.reauthorized).toEqual([id]);
  });

  test('of another secret are replaced, and those of others stay', async () => {
    const one = subscriber();
    const { id } = await one.keep(callback, never);
    const others = await one.keep({ ...callback, url: `${callback.url}-2` }, never);
    const { id: next } = await one.keep({ ...callback, clientState: 'another secret' }, never);
    expect(
      all()
        .map((left) => left.id)
        .sort(),
    ).toEqual([others.id, next].sort());
    expect(next).not.toBe(id);
    await one.remove(callback, never);
    await one.remove(callback, never);
    expect(all().map((left) => left.id)).toEqual([others.id]);
  });

  test('are made for every drive of OneDrive', async () => {
    const users = fake.users.map(({ userPrincipalName }) => userPrincipalName);
    const { id } = await subscriber(onedriveSettings(fake, users)).keep(callback, never);
    expect(id.split(' ').sort()).toEqual(
      all()
        .map((made) => made.id)
        .sort(),
    );
    for (const user of fake.users) fake.libraryOf(user.drive).put('new', 'x');
    await fake.subscriptions.sent();
    expect(got).toHaveLength(2);
  });

  test('a missing permission and an address that does not answer say what to do', async () => {
    deaf = true;
    await expect(subscriber().keep(callback, never)).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('Graph must reach https://127.0.0.1'),
    });
    deaf = false;
    fake.tokens.roles = ['Sites.Selected'];
    fake.grants.set(fake.siteId, 'read');
    const refused = subscriber().keep(callback, never);
    await expect(refused).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('Sites.Read.All'),
    });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(callback.clientState) });
  });
});

test('the activity keeps and ends them, and neither its input nor its result has the secret', async () => {
  const activity = createKeepSubscription({ subscriber: async () => subscriber(), callback: () => callback });
  const run = (input: KeepSubscriptionInput) =>
    new MockActivityEnvironment().run(activity, input) as Promise<KeptSubscription>;
  const input = { connector: 'library', source: { kind: 'connector', id: 'library' }, action: 'keep' } as const;
  const kept = await run(input);
  expect(kept.subscription?.id).toBe(all()[0]?.id);
  expect(JSON.stringify([input, kept])).not.toContain(callback.clientState);
  expect((await run({ ...input, action: 'reauthorize' })).subscription?.id).toBe(kept.subscription?.id);
  expect(await run({ ...input, action: 'remove' })).toEqual({});
  expect(all()).toEqual([]);
  fake.tokens.roles = [];
  await expect(run(input)).rejects.toMatchObject({ type: 'hold' });
});
