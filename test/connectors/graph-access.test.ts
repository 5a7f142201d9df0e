import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connector } from '../../connectors/connector.ts';
import { createGraphConnector } from '../../connectors/graph/connector.ts';
import type { GraphSettings } from '../../connectors/graph/drives.ts';
import { retryAfterMs } from '../../connectors/graph/failures.ts';
import type { GraphFake } from '../../scripts/servers/graph/fake.ts';
import { listed } from './conformance.ts';
import { onedriveSettings, sharepointSettings, startFake } from './graph-store.ts';

const signal = new AbortController().signal;

describe('what an application may and may not', () => {
  let fake: GraphFake;
  const made: Connector[] = [];
  const connect = (change: Partial<GraphSettings> = {}) => {
    const one = createGraphConnector({ ...sharepointSettings(fake, fake.origin, ''), ...change } as GraphSettings);
    made.push(one);
    return one;
  };
  beforeEach(async () => {
    fake = await startFake();
  });
  afterEach(async () => {
    await Promise.all(made.splice(0).map((one) => one.close()));
    await fake.stop();
  });
  const failed = async (connector: Connector, action: 'nothing' | 'move') => {
    const { ok, checks } = await connector.check(action, signal);
    expect(ok).toBe(checks.every((check) => check.ok));
    return checks.filter((check) => !check.ok).map(({ name, detail }) => `${name}: ${detail}`);
  };

  test('the check names the permission that is missing', async () => {
    fake.tokens.roles = [];
    expect((await failed(connect(), 'nothing'))[0]).toMatch(/permissions: .*Sites\.Read\.All is missing/);
    fake.tokens.roles = ['Files.ReadWrite.All'];
    expect((await failed(connect(), 'nothing'))[0]).toMatch(/permissions: .*Sites\.Read\.All is missing/);
    fake.tokens.roles = ['Sites.Read.All'];
    expect(await failed(connect(), 'nothing')).toEqual([]);
    const reader = await failed(connect(), 'move');
    expect(reader[0]).toMatch(/permissions: .*Sites\.ReadWrite\.All is missing/);
    expect(reader[1]).toMatch(/^change: /);
    fake.tokens.roles = ['Sites.ReadWrite.All'];
    expect(await failed(connect(), 'move')).toEqual([]);
    const drives = createGraphConnector(onedriveSettings(fake, [fake.users[0]?.userPrincipalName as string]));
    made.push(drives);
    fake.tokens.roles = ['Files.Read.All'];
    expect(await failed(drives, 'nothing')).toEqual([]);
    expect((await failed(drives, 'move'))[0]).toMatch(/permissions: .*Files\.ReadWrite\.All is missing/);
  });

  test('with Sites.Selected the grant of the site decides', async () => {
    fake.tokens.roles = ['Sites.Selected'];
    expect((await failed(connect(), 'nothing'))[0]).toMatch(/asset: .*403.*Sites\.Selected/);
    fake.grants.set(fake.siteId, 'read');
    expect(await failed(connect(), 'nothing')).toEqual([]);
    expect((await failed(connect(), 'move'))[0]).toMatch(/change: .*write/);
    fake.grants.set(fake.siteId, 'write');
    expect(await failed(connect(), 'move')).toEqual([]);
    expect(fake.library.recycleBin().every(({ path }) => path.startsWith('dsxconnect-check-'))).toBe(true);
  });

  test('of the readings of an address the one that is there and open counts', async () => {
    fake.tokens.roles = ['Sites.Selected'];
    fake.grants.set(fake.sites.subsite.id, 'read');
    const place = {
      host: fake.host,
      readings: [
        { site: '/sites/Finance', library: 'Audit', folder: 'Shared Documents' },
        { site: '/sites/Finance/Audit', library: 'Shared Documents', folder: '' },
        { site: '/sites/None', folder: '' },
      ],
    };
    fake.libraryOf(fake.sites.subsite.drives[0] as never).put('x', 'x');
    expect((await listed(connect({ place }))).map(({ location }) => location)).toEqual(['x']);
    const none = { ...place, readings: place.readings.slice(2) };
    await expect(listed(connect({ place: none }))).rejects.toMatchObject({ code: 'configuration' });
  });

  test.each([
    ['/sites/Finance', undefined, 'Documents'],
    ['/sites/Finance', 'documents', 'Documents'],
    ['/sites/Finance', 'OldFiles', 'Old Files'],
    ['/teams/Team One', 'Shared Documents', 'Documents'],
    ['', undefined, 'Documents'],
  ])('site %j, library %j', async (site, library, name) => {
    const place = { host: fake.host, readings: [{ site, ...(library !== undefined && { library }), folder: '' }] };
    const { checks } = await connect({ place }).check('nothing', signal);
    expect(checks.find((check) => check.name === 'asset')).toMatchObject({ ok: true });
    const [drive] = Object.values(fake.sites)
      .filter((one) => one.path === site)
      .flatMap(({ drives }) => drives.filter((one) => one.name === name));
    expect(await connect({ place }).fingerprint(signal)).toBe(drive?.id);
  });

  test('a secret that is wrong holds the connector, and is never told', async () => {
    const connector = connect({ clientSecret: { reveal: () => 'not the secret' } });
    const reading = listed(connector);
    await expect(reading).rejects.toMatchObject({ code: 'credentials' });
    await expect(reading).rejects.not.toThrow(/not the secret/);
    await expect(listed(connect({ clientId: crypto.randomUUID() }))).rejects.toMatchObject({ code: 'credentials' });
    await expect(listed(connect({ authorityUrl: 'https://127.0.0.1:1' }))).rejects.toMatchObject({
      code: 'unreachable',
    });
    await expect(listed(connect({ graphUrl: 'https://127.0.0.1:1' }))).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('a token that is refused is not used again', async () => {
    const connector = connect();
    await listed(connector);
    await listed(connector);
    const tokens = () => fake.requests.filter(({ server, method }) => server === 'token' && method === 'POST').length;
    expect(tokens()).toBe(1);
    fake.tokens.revoke();
    await expect(listed(connector)).rejects.toMatchObject({ code: 'credentials' });
    await listed(connector);
    expect(tokens()).toBe(2);
  });

  test('many who ask at once share one token', async () => {
    const connector = connect();
    fake.library.put('x', 'x');
    await Promise.all(Array.from({ length: 20 }, () => connector.stat({ location: 'x' }, signal)));
    expect(fake.requests.filter(({ server, method }) => server === 'token' && method === 'POST').length).toBe(1);
  });

  test.each([
    { life: 3600, more: 0 },
    // Too near to its end to be given out again.
    { life: 200, more: 3 },
  ])('with tokens that hold for $life s, three more calls ask for $more more', async ({ life, more }) => {
    fake.tokens.life = life;
    const connector = connect();
    fake.library.put('x', 'x');
    const tokens = () => fake.requests.filter(({ server, method }) => server === 'token' && method === 'POST').length;
    await connector.stat({ location: 'x' }, signal);
    const before = tokens();
    for (let call = 0; call < 3; call++) await connector.stat({ location: 'x' }, signal);
    expect(tokens() - before).toBe(more);
  });

  test('a quarantine that would hide the asset, and a folder that is not there, are told', async () => {
    fake.library.makeFolder('in/side');
    const place = (folder: string) => ({ place: { host: fake.host, readings: [{ site: '/sites/Finance', folder }] } });
    for (const quarantine of ['in', 'IN/side', '/', 'in/..']) {
      const hidden = connect({ ...place('in/side'), quarantine });
      await expect(listed(hidden)).rejects.toMatchObject({ code: 'configuration' });
    }
    expect(await listed(connect({ ...place('in/side'), quarantine: 'in/side/q' }))).toEqual([]);
    await expect(listed(connect(place('in/none')))).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('assets are walked in pages of any size, with the same outcome', async () => {
    fake.library.makeFolder('Fin & 1%');
    fake.library.makeFolder('Legal');
    fake.library.put('no folder', 'x');
    const walk = async (connector: Connector, limit: number) => {
      const got: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await connector.assets({ limit, ...(after !== undefined && { after }) }, signal);
        expect(page.assets.length).toBeLessThanOrEqual(limit);
        got.push(...page.assets.map(({ asset }) => asset));
        after = page.next;
        if (after === undefined) return got;
      }
    };
    const base = `https://${fake.host}/sites/Finance`;
    const own = [`${base}/Shared%20Documents`, `${base}/Shared%20Documents/Fin%20%26%201%25`];
    const all = await walk(connect(), 100);
    expect(all).toEqual(
      expect.arrayContaining([...own, `${base}/OldFiles`, `https://${fake.host}/Shared%20Documents`]),
    );
    expect(new Set(all).size).toBe(all.length);
    for (const limit of [1, 2, 3]) expect(await walk(connect(), limit)).toEqual(all);
    fake.tokens.roles = ['Sites.Selected'];
    fake.grants.set(fake.siteId, 'read');
    expect((await walk(connect(), 2)).every((asset) => asset.startsWith(base))).toBe(true);
    const [alice] = fake.users;
    fake.libraryOf(alice?.drive as never).makeFolder('Documents');
    fake.tokens.roles = ['Files.Read.All'];
    const drives = createGraphConnector(onedriveSettings(fake, [alice?.userPrincipalName as string]));
    made.push(drives);
    expect(await walk(drives, 1)).toEqual(['/', '/Documents']);
    await expect(drives.assets({ limit: 1, after: 'x' }, signal)).rejects.toMatchObject({ code: 'configuration' });
  });
});

test.each([
  ['2', 2_000],
  ['0', 0],
  ['1.5', 1_500],
  ['-1', undefined],
  ['', undefined],
  ['soon', undefined],
  [undefined, undefined],
  ['Thu, 01 Jan 1970 00:01:00 GMT', 30_000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
])('Retry-After %j at half a minute is %j ms', (header, expected) => {
  expect(retryAfterMs(header, 30_000)).toBe(expected);
});
