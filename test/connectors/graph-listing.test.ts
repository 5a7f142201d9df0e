import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connector } from '../../connectors/connector.ts';
import { createGraphConnector } from '../../connectors/graph/connector.ts';
import type { GraphFake } from '../../scripts/servers/graph/fake.ts';
import { resync } from '../../scripts/servers/graph/faults.ts';
import { drain, itemsOf, listed, readWhole } from './conformance.ts';
import { FOLDER, onedriveSettings, QUARANTINE, sharepointSettings, startFake } from './graph-store.ts';

const signal = new AbortController().signal;
const ALL = { includes: () => true, mayEnter: () => true };

describe('listing of a drive', () => {
  let fake: GraphFake;
  let connector: Connector;
  const made: Connector[] = [];
  const connect = (...given: Parameters<typeof sharepointSettings> extends [unknown, ...infer Rest] ? Rest : never) => {
    const one = createGraphConnector(sharepointSettings(fake, ...given));
    made.push(one);
    return one;
  };
  beforeEach(async () => {
    fake = await startFake();
    fake.library.makeFolder(FOLDER);
    connector = connect();
  });
  afterEach(async () => {
    await Promise.all(made.splice(0).map((one) => one.close()));
    await fake.stop();
  });
  const put = (path: string) => fake.library.put(`${FOLDER}/${path}`, path);
  const locations = async (one = connector) => (await listed(one)).map(({ location }) => location).sort();

  test('folders and the root are no items; what is no file says so', async () => {
    put('a/b/file');
    fake.library.makeFolder(`${FOLDER}/empty`);
    fake.library.putPackage(`${FOLDER}/notes`);
    fake.library.putShortcut(`${FOLDER}/elsewhere`);
    const items = (await listed(connector)).map(({ location, skip }) => [location, skip]).sort();
    expect(items).toEqual([
      ['a/b/file', undefined],
      ['elsewhere', 'link'],
      ['notes', 'special'],
    ]);
  });

  test('what is deleted is no item, and what lies beside the asset neither', async () => {
    put('stays');
    put('goes/x');
    fake.library.remove(`${FOLDER}/goes`);
    fake.library.put('other/x', 'x');
    fake.library.put(`${FOLDER}2/x`, 'x');
    expect(await locations()).toEqual(['stays']);
    expect(await locations(connect(undefined, ''))).toEqual([`${FOLDER}/stays`, `${FOLDER}2/x`, 'other/x'].sort());
  });

  test('nothing in quarantine is listed or opened, however its name is written', async () => {
    const whole = connect(undefined, '');
    fake.library.put(`${QUARANTINE}/x`, 'evil');
    fake.library.put(`${QUARANTINE}-not/x`, 'good');
    expect(await locations(whole)).toEqual([`${QUARANTINE}-not/x`]);
    for (const location of [`${QUARANTINE}/x`, `${QUARANTINE.toUpperCase()}/X`]) {
      await expect(whole.open({ location }, signal)).rejects.toMatchObject({ code: 'not_an_item' });
      await expect(whole.stat({ location }, signal)).rejects.toMatchObject({ code: 'not_an_item' });
    }
  });

  test('an item that comes twice in a page is given once, as it was last', async () => {
    put('twice');
    fake.inject({
      match: ({ path }) => path.endsWith('/delta'),
      answer: (reply) => {
        const body = reply.body as { value: { name: string; size: number }[] };
        const item = body.value.find(({ name }) => name === 'twice');
        return { ...reply, body: { ...body, value: [{ ...item, size: 99 }, ...body.value] } };
      },
    });
    expect((await listed(connector)).map(({ location, size }) => [location, size])).toEqual([['twice', 5]]);
  });

  test('an item that changes while the drive is listed is listed again', async () => {
    fake.deltas.pageSize = 2;
    for (const name of ['a', 'b', 'c', 'd']) put(name);
    const listing = connector.list(ALL, undefined);
    let events = await listing.nextBatch(1, signal);
    while (itemsOf(events).length === 0) events = await listing.nextBatch(1, signal);
    fake.library.overwrite(`${FOLDER}/a`, 'new');
    const rest = itemsOf((await drain(listing)).events).map(({ location, size }) => [location, size]);
    expect(itemsOf(events)[0]?.location).toBe('a');
    expect(rest).toEqual([
      ['b', 1],
      ['c', 1],
      ['d', 1],
      ['a', 3],
    ]);
  });

  test('a listing that goes on elsewhere asks for the folders that it has not seen', async () => {
    fake.deltas.pageSize = 4;
    for (let i = 0; i < 12; i++) put(`deep/er/${i}`);
    const { positions, events } = await drain(connector.list(ALL, undefined));
    const cut = Math.floor(positions.length / 2);
    const rest = await drain(connect().list(ALL, positions[cut]));
    expect(rest.events).toEqual(events.slice(cut));
    expect(itemsOf(events).length).toBe(12);
  });

  test('a drive that no longer knows the place is begun anew, and the listing says that it repeats itself', async () => {
    fake.deltas.pageSize = 2;
    for (const name of ['a', 'b', 'c', 'd']) put(name);
    const listing = connector.list(ALL, undefined);
    while (itemsOf(await listing.nextBatch(5, signal)).length === 0);
    const position = listing.position();
    expect(listing.repeats?.()).toBe(false);
    fake.deltas.expire();
    for (const from of [listing, connector.list(ALL, position)]) {
      const { events, positions } = await drain(from);
      expect(itemsOf(events).map(({ location }) => location)).toEqual(['a', 'b', 'c', 'd']);
      expect(from.repeats?.()).toBe(true);
      expect(connector.list(ALL, positions.at(-1)).repeats?.()).toBe(true);
    }
  });

  test('a drive that never knows the place is given up, and a first page that is refused at once', async () => {
    fake.deltas.pageSize = 2;
    for (const name of ['a', 'b', 'c', 'd']) put(name);
    fake.inject({ answer: resync(fake.origin), match: ({ path }) => path.includes('(token='), times: 6 });
    await expect(listed(connector)).rejects.toMatchObject({ code: 'listing_expired' });
    fake.inject({ answer: resync(fake.origin), match: ({ path }) => path.endsWith('/delta') });
    await expect(listed(connector)).rejects.toMatchObject({ code: 'listing_expired' });
  });

  test('a version is listed where the drive gives the content tag, and is the one that is read', async () => {
    put('x');
    fake.deltas.withCTag = true;
    const [item] = await listed(connector);
    expect(item?.version).toEqual(expect.any(String));
    expect((await readWhole(connector, item as never)).version).toBe(item?.version);
    fake.library.touch(`${FOLDER}/x`);
    expect((await readWhole(connector, item as never)).version).toBe(item?.version);
    fake.library.overwrite(`${FOLDER}/x`, 'x');
    expect((await readWhole(connector, item as never)).version).not.toBe(item?.version);
  });

  test('an item of a folder that was renamed since is found by its id', async () => {
    put('old/x');
    fake.deltas.withCTag = true;
    const [item] = await listed(connector);
    fake.library.move(`${FOLDER}/old`, `${FOLDER}/new`);
    expect((await readWhole(connector, item as never)).bytes.toString()).toBe('old/x');
    fake.library.move(`${FOLDER}/new`, `${QUARANTINE}/new`);
    await expect(connector.open(item as never, signal)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a folder that is renamed while the drive is listed is a gap, for what is in it may have been missed', async () => {
    fake.deltas.pageSize = 4;
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) put(`old/${name}`);
    const listing = connector.list(ALL, undefined);
    let events = await listing.nextBatch(9, signal);
    while (itemsOf(events).length === 0) events = await listing.nextBatch(9, signal);
    fake.library.move(`${FOLDER}/old`, `${FOLDER}/new`);
    const rest = (await drain(listing)).events.filter(({ kind }) => kind === 'gap');
    expect(rest).toMatchObject([{ location: 'new/', class: 'folder_unreadable' }]);
    expect((await drain(connector.list(ALL, undefined))).events.some(({ kind }) => kind === 'gap')).toBe(false);
  });

  test('an asset folder that goes while the drive is listed is not listed to its end', async () => {
    fake.deltas.pageSize = 4;
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) put(name);
    const listing = connector.list(ALL, undefined);
    while (itemsOf(await listing.nextBatch(9, signal)).length === 0);
    fake.library.move(FOLDER, 'another place');
    await expect(drain(listing)).rejects.toMatchObject({ code: 'unreachable' });
    for (const call of [connector.open({ location: 'a' }, signal), connector.stat({ location: 'a' }, signal)]) {
      await expect(call).rejects.toMatchObject({ code: 'unreachable' });
    }
    fake.library.move('another place', FOLDER);
    expect((await readWhole(connector, { location: 'a' })).bytes.toString()).toBe('a');
    expect((await drain(connector.list(ALL, listing.position()))).events.length).toBeGreaterThan(0);
  });

  test('several drives are listed one after the other, each below its user', async () => {
    const users = fake.users.map(({ userPrincipalName }) => userPrincipalName);
    const drives = createGraphConnector(onedriveSettings(fake, users));
    made.push(drives);
    for (const { drive } of fake.users) {
      fake.libraryOf(drive).put('Documents/x', drive.id);
      fake.libraryOf(drive).put(`${QUARANTINE}/x`, 'evil');
    }
    const { events, positions } = await drain(drives.list(ALL, undefined));
    expect(itemsOf(events).map(({ location }) => location)).toEqual(users.map((user) => `${user}/Documents/x`));
    for (const [cut, position] of positions.entries()) {
      expect((await drain(drives.list(ALL, position))).events).toEqual(events.slice(cut));
    }
    for (const item of itemsOf(events)) {
      const owner = fake.users.find(({ userPrincipalName }) => item.location.startsWith(userPrincipalName));
      expect((await readWhole(drives, item)).bytes.toString()).toBe(owner?.drive.id);
    }
    for (const location of ['Documents/x', 'nobody@contoso.com/Documents/x', users[0] as string]) {
      await expect(drives.open({ location }, signal)).rejects.toMatchObject({ code: 'not_an_item' });
    }
  });
});
