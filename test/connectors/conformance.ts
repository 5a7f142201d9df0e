import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActionReport, Connector, ListEvent, Listing, ListScope, Position } from '../../connectors/connector.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import type { ActionIntent, ActionRow } from '../../domain/action.ts';
import { type Item, type ItemRef, locationBytes } from '../../domain/item.ts';

/** What the suite does to a store from outside, as its other users would. Locations are exact bytes. */
export interface Store {
  readonly connector: Connector;
  /** Makes or replaces an item: the new one is another object (a new inode, a new generation). */
  put(location: Buffer, bytes: Uint8Array): Promise<void>;
  /** Overwrites an item where it is, as a writer that has it open; a store that can't does what `put` does. */
  overwrite(location: Buffer, bytes: Uint8Array): Promise<void>;
  remove(location: Buffer): Promise<void>;
  /** Every item in the asset, quarantine apart and side-cars included, by location (latin1). */
  contents(): Promise<Map<string, Buffer>>;
  /** What quarantine holds at a destination (relative), undefined when nothing. */
  quarantined(destination: string): Promise<Buffer | undefined>;
  /** Puts an object of somebody else at a name in quarantine. */
  occupy(destination: string, bytes: Uint8Array): Promise<void>;
  /**
   * A connector on the same store that dies before its n-th change (0-based): the call then never returns, and `died` resolves.
   * `died` never resolves when there were fewer changes.
   */
  dying(change: number): { readonly connector: Connector; readonly died: Promise<void> };
  close(): Promise<void>;
}

export interface Conformance {
  readonly name: string;
  readonly make: () => Promise<Store>;
  /** The store can hold names that are not UTF-8. */
  readonly anyBytes: boolean;
  /** The store pins bytes, not writes: the same bytes under the same name are the same version (an ETag of their hash). */
  readonly contentVersions?: boolean;
  /** Odd names that the store itself can't hold, or that its emulator here gets wrong; each is told in docs/connectors.md. */
  readonly without?: readonly Buffer[];
  /** The store has no order: what is expected of an order is then expected of sets. The default is that it has one. */
  readonly ordered?: boolean;
  /** Listing gives no versions, which only reading tells (drives leave the content's tag out of their deltas). The default is that it does. */
  readonly versionsListed?: boolean;
  /** Item actions that the store has; the default is all of them. */
  readonly actions?: readonly ActionIntent['action'][];
  /** Only what item actions do: for a second way to set up a store that is tested whole already. */
  readonly actionsOnly?: boolean;
  /** Only listing and reading: for a second server that has names which the first one lacks, but not every condition. */
  readonly withoutActions?: boolean;
}

const signal = new AbortController().signal;
const ALL: ListScope = { includes: () => true, mayEnter: () => true };
const at = (text: string) => Buffer.from(text, 'utf8');
const ref = (text: string): ItemRef => ({ location: text });
const locationOf = (item: Item): string => item.location;

export const ODD_NAMES: readonly Buffer[] = [
  ...[
    'a',
    'a.txt',
    'a0',
    'a b/x',
    'b/c/d/e',
    'b-/x',
    'b/a',
    'b0/x',
    'B',
    'c\nnew line',
    'c\ttab',
    ' leading',
    'trailing ',
  ],
  ...[
    '$EVIL.exe',
    '~',
    '-rf',
    '%2e%2e',
    'quote"\'',
    'back\\slash',
    '*?[x]',
    '#hash?query',
    '\u0001control',
    '...',
    '.hidden/.x',
  ],
  ...[
    'caf\u00e9',
    'cafe\u0301',
    '\u{1f600}',
    '\uffff',
    '\u4e2d\u6587/\u6587',
    'x'.repeat(255),
    `${'deep/'.repeat(40)}leaf`,
  ],
].map(at);
export const NOT_UTF8: readonly Buffer[] = [
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0x66, 0x80, 0x2f, 0x67, 0xc3]),
  Buffer.from([0xc3, 0x28]),
];

export async function drain(listing: Listing): Promise<{ events: ListEvent[]; positions: Position[] }> {
  const events: ListEvent[] = [];
  const positions = [listing.position()];
  for (;;) {
    const event = await listing.next(signal);
    if (!event) break;
    events.push(event);
    // Positions live in the ledger: as JSON.
    positions.push(JSON.parse(JSON.stringify(listing.position())));
  }
  await listing.close();
  return { events, positions };
}

export function itemsOf(events: readonly ListEvent[]): Item[] {
  return events.filter((event) => event.kind === 'item').map((event) => event.item);
}

export async function listed(connector: Connector, scope: ListScope = ALL, from?: Position): Promise<Item[]> {
  return itemsOf((await drain(connector.list(scope, from))).events);
}

/** As they were listed, or in byte order for a store that has no order. */
const inOrder = ({ ordered = true }: Conformance, locations: readonly string[]): string[] =>
  ordered ? [...locations] : [...locations].sort((a, b) => (a < b ? -1 : 1));
const raws = (items: readonly Item[]) => items.map((item) => locationBytes(item).toString('latin1'));
const sorted = (names: readonly Buffer[]) =>
  names.map((name) => name.toString('latin1')).sort((a, b) => (a < b ? -1 : 1));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export async function readWhole(
  connector: Connector,
  item: ItemRef & Pick<Item, 'version'>,
): Promise<{ bytes: Buffer; version: string }> {
  const open = await connector.open(item, signal);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of open.read(signal)) chunks.push(Buffer.from(chunk));
    await open.confirm();
    return { bytes: Buffer.concat(chunks), version: open.version };
  } finally {
    await open.close();
  }
}

/** An intent on what is in place now, judged malicious. */
export async function intentOn(
  connector: Connector,
  item: ItemRef,
  action: ActionIntent['action'],
  finding = 'job-1/0-1:7',
): Promise<ActionIntent> {
  const { bytes, version } = await readWhole(connector, item);
  return {
    finding,
    item,
    judged: { version, size: bytes.length },
    action,
    destination: `job-1/${sha256(Buffer.from(finding)).slice(0, 20)}`,
    provenance: {
      job: 'job-1',
      connector: connector.id,
      verdict: 'Malicious',
      threatType: 'EICAR <test>',
      sha256: sha256(bytes),
      standIn: true,
      judgedAt: '2026-01-02T03:04:05.000Z',
    },
  };
}

export function rowOf(intent: ActionIntent, report: ActionReport): ActionRow {
  return JSON.parse(
    JSON.stringify({
      finding: intent.finding,
      item: '0-1:7',
      ...intent.item,
      action: intent.action,
      state: report.state,
      code: report.code,
      version: intent.judged.version,
      destination: report.destination,
      undo: report.undo,
      by: 'policy',
      at: '2026-01-02T03:04:06.000Z',
    }),
  );
}

async function code(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return error instanceof ConnectorError ? error.code : `not a connector error: ${String(error)}`;
  }
  return 'no error';
}

/** Dies before every change in turn, and calls `then` after each death. Returns how many deaths there were. */
async function eachDeath(
  fresh: () => Promise<Store>,
  run: (connector: Connector, store: Store, prepared: ActionIntent) => Promise<unknown>,
  prepare: (store: Store) => Promise<ActionIntent>,
  then: (store: Store, prepared: ActionIntent, change: number) => Promise<void>,
): Promise<number> {
  for (let change = 0; ; change++) {
    const store = await fresh();
    try {
      const prepared = await prepare(store);
      const { connector, died } = store.dying(change);
      const end = await Promise.race([run(connector, store, prepared).then(() => 'ended'), died.then(() => 'died')]);
      if (end === 'ended') return change;
      await then(store, prepared, change);
    } finally {
      await store.close();
    }
  }
}

/** What every storage must do. */
export function connectorConformance(options: Conformance): void {
  const all = options.anyBytes ? [...ODD_NAMES, ...NOT_UTF8] : ODD_NAMES;
  const names = all.filter((name) => options.without?.some((one) => one.equals(name)) !== true);
  if (!options.actionsOnly) {
    listingConformance(options, names);
    readingConformance(options);
  }
  if (!options.withoutActions) actionConformance(options, names);
}

function listingConformance(options: Conformance, names: readonly Buffer[]): void {
  const { name, make, ordered = true, versionsListed = true } = options;
  describe(`${name}: listing`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await make();
    });
    afterEach(() => store.close());

    test('lists every item once, in the byte order of whole locations, with its exact name', async () => {
      for (const location of names) await store.put(location, location);
      const items = await listed(store.connector);
      expect(inOrder(options, raws(items))).toEqual(sorted(names));
      for (const item of items) {
        const bytes = locationBytes(item);
        const valid = Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes);
        expect(item.location).toBe(bytes.toString('utf8'));
        expect(item.locationBytes !== undefined).toBe(!valid);
        expect(item.size).toBe(bytes.length);
        expect(item.version).toEqual(versionsListed ? expect.any(String) : undefined);
        expect(new Date(item.modified ?? '').toISOString()).toBe(item.modified);
        expect(item.skip).toBeUndefined();
        expect((await readWhole(store.connector, item)).bytes).toEqual(bytes);
        const now = await store.connector.stat(item, signal);
        expect(versionsListed ? now : { ...now, version: undefined }).toEqual(item);
      }
    });

    test('goes on behind any event, and lists exactly what follows', async () => {
      for (const location of names) await store.put(location, location);
      const { events, positions } = await drain(store.connector.list(ALL, undefined));
      for (let cut = 0; cut < positions.length; cut++) {
        const rest = await drain(store.connector.list(ALL, positions[cut]));
        expect(rest.events).toEqual(events.slice(cut));
      }
    });

    test('gives the same in batches, with the position behind the last of each', async () => {
      for (const location of names) await store.put(location, location);
      const whole = await listed(store.connector);
      for (const max of [1, 2, 7, 1000]) {
        const got: Item[] = [];
        let position: Position | undefined;
        for (;;) {
          // A new listing for every batch: nothing but the position carries over.
          const listing = store.connector.list(ALL, position);
          const events = await listing.nextBatch(max, signal);
          expect(events.length).toBeLessThanOrEqual(max);
          position = JSON.parse(JSON.stringify(listing.position()));
          await listing.close();
          if (events.length === 0) break;
          got.push(...itemsOf(events));
        }
        expect(got).toEqual(whole);
      }
    });

    test('goes on when the item at the position, and all around it, is gone', async () => {
      for (const location of ['a/1', 'a/2', 'm/n/1', 'm/n/2', 'm/n/3', 'm/z', 'z'])
        await store.put(at(location), at('x'));
      const listing = store.connector.list(ALL, undefined);
      const got: string[] = [];
      for (let i = 0; i < 4; i++) got.push(...itemsOf([(await listing.next(signal)) as ListEvent]).map(locationOf));
      const position = listing.position();
      await listing.close();
      const rest = async () => inOrder(options, (await listed(store.connector, ALL, position)).map(locationOf));
      const left = ['a/1', 'a/2', 'm/n/1', 'm/n/2', 'm/n/3', 'm/z', 'z'].filter((location) => !got.includes(location));
      await store.remove(at(got.at(-1) as string));
      expect(await rest()).toEqual(left);
      for (const location of [got.at(-2), ...left.slice(0, 2)]) await store.remove(at(location as string));
      expect(await rest()).toEqual(left.slice(2));
    });

    test('lists what came behind the position, and nothing that came before it', async () => {
      for (const location of ['b', 'd', 'f']) await store.put(at(location), at('x'));
      const listing = store.connector.list(ALL, undefined);
      const got: string[] = [];
      for (let i = 0; i < 2; i++) got.push(...itemsOf([(await listing.next(signal)) as ListEvent]).map(locationOf));
      const position = listing.position();
      await listing.close();
      const late = ['a', 'c/x', 'e/x', 'g'];
      for (const location of late) await store.put(at(location), at('x'));
      const rest = (await listed(store.connector, ALL, position)).map(locationOf);
      if (ordered) expect(rest).toEqual(['e/x', 'f', 'g']);
      // Without an order whatever came late may be listed or not; what was there is listed, and nothing twice.
      const kept = rest.filter((location) => ordered || !late.includes(location));
      if (!ordered) expect([...got, ...kept].sort()).toEqual(['b', 'd', 'f']);
      expect(new Set(rest).size).toBe(rest.length);
    });

    test('gives nothing for an empty asset, and goes on giving nothing', async () => {
      const listing = store.connector.list(ALL, undefined);
      expect(await listing.next(signal)).toBeUndefined();
      expect(await listing.next(signal)).toBeUndefined();
      expect(await listing.nextBatch(10, signal)).toEqual([]);
      await listing.close();
    });

    test('keeps to the scope, and counts what it met outside exactly once, whatever the cuts', async () => {
      for (let i = 0; i < 40; i++)
        await store.put(at(`${i % 4 === 0 ? 'in' : 'out'}-${String(i).padStart(2, '0')}`), at('x'));
      await store.put(at('closed/folder/x'), at('x'));
      const scope: ListScope = {
        includes: (location) => location.startsWith('in-'),
        mayEnter: (folder) => !folder.startsWith('closed/'),
      };
      let position: Position | undefined;
      let outside = 0;
      const got: string[] = [];
      for (;;) {
        const listing = store.connector.list(scope, position);
        const event = await listing.next(signal);
        position = JSON.parse(JSON.stringify(listing.position()));
        await listing.close();
        if (!event) break;
        if (event.kind === 'outside') outside += event.count;
        if (event.kind === 'item') got.push(event.item.location);
      }
      expect(inOrder(options, got)).toEqual(
        Array.from({ length: 10 }, (_, i) => `in-${String(i * 4).padStart(2, '0')}`),
      );
      // A folder that is not entered counts for one, or not at all where there are no folders.
      expect([30, 31]).toContain(outside);
    });

    test('marks what is larger than the limit, and only that', async () => {
      await store.put(at('at-limit'), Buffer.alloc(10));
      await store.put(at('over'), Buffer.alloc(11));
      const items = await listed(store.connector, { ...ALL, maxSize: 10 });
      const bySize = items.sort((a, b) => (a.size ?? 0) - (b.size ?? 0));
      expect(bySize.map((item) => [item.location, item.size, item.skip])).toEqual([
        ['at-limit', 10, undefined],
        ['over', 11, 'size'],
      ]);
    });

    test('stops when told, and can go on from there', async () => {
      for (const location of ['a', 'b', 'c']) await store.put(at(location), at('x'));
      const listing = store.connector.list(ALL, undefined);
      const [first] = itemsOf([(await listing.next(signal)) as ListEvent]).map(locationOf);
      await expect(listing.next(AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
      const position = listing.position();
      await listing.close();
      const rest = inOrder(options, (await listed(store.connector, ALL, position)).map(locationOf));
      expect(rest).toEqual(['a', 'b', 'c'].filter((location) => location !== first));
    });
  });
}

function readingConformance(options: Conformance): void {
  const { name, make, contentVersions = false, versionsListed = true, actions = ACTIONS, without = [] } = options;
  describe(`${name}: versions and reading`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await make();
    });
    afterEach(() => store.close());

    test('a version stays while the item does, and changes with every replacement', async () => {
      await store.put(at('x'), at('aaaa'));
      const seen = new Set<string>();
      for (const bytes of ['aaaa', 'bbbb', 'bbbb', 'cccc']) {
        await store.put(at('x'), at(bytes));
        const [item] = await listed(store.connector);
        const { version } = await readWhole(store.connector, ref('x'));
        expect(item?.version).toBe(versionsListed ? version : undefined);
        expect((await readWhole(store.connector, item as Item)).version).toBe(version);
        if (versionsListed) expect((await listed(store.connector))[0]?.version).toBe(version);
        seen.add(version);
        await store.overwrite(at('x'), at('dddd'));
        seen.add((await readWhole(store.connector, ref('x'))).version);
      }
      expect(seen.size).toBe(contentVersions ? 4 : 8);
    });

    test.each([0, 1, 4096, 65_535, 65_536, 65_537, 262_143, 262_144, 262_145, 1_500_000])(
      'gives all %i bytes',
      async (size) => {
        const bytes = Buffer.alloc(size, 'malware?');
        await store.put(at('x'), bytes);
        const open = await store.connector.open(ref('x'), signal);
        expect(open.size).toBe(size);
        await open.close();
        await open.close();
        expect((await readWhole(store.connector, ref('x'))).bytes.equals(bytes)).toBe(true);
      },
    );

    test('opens what is in place when that is not what was listed, and says so', async () => {
      await store.put(at('x'), at('old'));
      const [item] = await listed(store.connector);
      await store.put(at('x'), at('new bytes'));
      const { bytes, version } = await readWhole(store.connector, item as Item);
      expect(bytes.toString()).toBe('new bytes');
      expect(version).not.toBe(item?.version);
    });

    const changes: [string, (store: Store, bytes: Buffer) => Promise<void>][] = [
      ['replaced', (s, bytes) => s.put(at('x'), Buffer.from(bytes).fill('n'))],
      ['overwritten', (s, bytes) => s.overwrite(at('x'), Buffer.from(bytes).fill('n'))],
      ['grown', (s, bytes) => s.overwrite(at('x'), Buffer.concat([bytes, Buffer.from('more')]))],
      ['shrunk', (s, bytes) => s.overwrite(at('x'), bytes.subarray(0, bytes.length - 3))],
      ['emptied', (s) => s.overwrite(at('x'), Buffer.alloc(0))],
      ['gone', (s) => s.remove(at('x'))],
    ];
    test.each(
      changes.flatMap(([what, change]) =>
        [100, 1_000_000].flatMap((size) => [0, 1].map((after) => ({ what, change, size, after }))),
      ),
    )('never confirms other bytes: $what, $size bytes, after $after chunks', async ({ change, size, after }) => {
      const bytes = Buffer.alloc(size, 'o');
      await store.put(at('x'), bytes);
      const open = await store.connector.open(ref('x'), signal);
      const chunks: Buffer[] = [];
      if (after === 0) await change(store, bytes);
      let failure = 'none';
      try {
        for await (const chunk of open.read(signal)) {
          chunks.push(Buffer.from(chunk));
          if (chunks.length === after) await change(store, bytes);
        }
        await open.confirm();
      } catch (error) {
        failure = error instanceof ConnectorError ? error.code : String(error);
      }
      await open.close();
      // Either the store kept the version that was opened, whole, or the change is told.
      if (failure === 'none') expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
      else expect(['changed', 'not_found']).toContain(failure);
    });

    test('a file that was not read to its end is not confirmed', async () => {
      await store.put(at('x'), Buffer.alloc(600_000));
      const open = await store.connector.open(ref('x'), signal);
      for await (const _ of open.read(signal)) break;
      expect(await code(open.confirm())).toBe('changed');
      await open.close();
    });

    test('what is not there is not found', async () => {
      expect(await code(store.connector.open(ref('nothing'), signal))).toBe('not_found');
      expect(await code(store.connector.open(ref('no/such/folder'), signal))).toBe('not_found');
      expect(await code(store.connector.stat(ref('nothing'), signal))).toBe('not_found');
    });

    const noItems = ['', '/', '/etc/passwd', '..', '../x', 'a/../../x', 'a/..', './a', 'a//b', 'a/', 'a\0b'];
    test.each(noItems.filter((location) => !without.some((one) => one.equals(at(location)))))(
      'a location that is none is never opened: %j',
      async (location) => {
        await store.put(at('a/b'), at('x'));
        expect(['not_an_item', 'not_found']).toContain(await code(store.connector.open(ref(location), signal)));
        expect(['not_an_item', 'not_found']).toContain(await code(store.connector.stat(ref(location), signal)));
        const action = actions[0] as ActionIntent['action'];
        const intent = { ...(await intentOn(store.connector, ref('a/b'), action)), item: ref(location) };
        expect((await store.connector.act(intent, signal)).state).not.toBe('done');
        expect((await store.contents()).size).toBe(1);
      },
    );

    test('reading stops when told', async () => {
      await store.put(at('x'), Buffer.alloc(600_000));
      const open = await store.connector.open(ref('x'), signal);
      const stop = new AbortController();
      await expect(async () => {
        for await (const _ of open.read(stop.signal)) stop.abort(new Error('stop'));
      }).rejects.toThrow('stop');
      await open.close();
    });
  });
}

const ACTIONS = ['delete', 'move', 'movetag', 'tag'] as const;

function actionConformance(options: Conformance, names: readonly Buffer[]): void {
  const { name, make, contentVersions = false, actions = ACTIONS } = options;
  const having = <A extends ActionIntent['action']>(...wanted: A[]): A[] =>
    wanted.filter((action) => actions.includes(action));

  describe(`${name}: item actions`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await make();
      await store.put(at('dir/evil'), at('evil bytes'));
      await store.put(at('dir/good'), at('good bytes'));
    });
    afterEach(() => store.close());
    const evil = ref('dir/evil');
    const locations = async () => inOrder(options, (await listed(store.connector)).map(locationOf));

    test('the check says yes to every action, and leaves nothing behind', async () => {
      const before = await store.contents();
      for (const action of store.connector.capabilities.actions) {
        const report = await store.connector.check(action, signal);
        expect(report).toMatchObject({ ok: true });
        expect(report.checks.length).toBeGreaterThan(0);
      }
      expect(await store.contents()).toEqual(before);
      expect(await store.connector.fingerprint(signal)).toBe(await store.connector.fingerprint(signal));
    });

    test.each(having('move', 'movetag', 'delete'))('%s takes the item away, and nothing else', async (action) => {
      const intent = await intentOn(store.connector, evil, action);
      const report = await store.connector.act(intent, signal);
      expect(report).toMatchObject({ state: 'done', code: 'applied' });
      expect(await store.contents()).toEqual(new Map([['dir/good', at('good bytes')]]));
      expect(await locations()).toEqual(['dir/good']);
      const kept = await store.quarantined(intent.destination as string);
      expect(kept?.toString()).toBe(action === 'delete' ? undefined : 'evil bytes');
      const again = await store.connector.act(intent, signal);
      expect(again).toEqual({ ...report, code: 'already_applied' });
    });

    test.each(having('tag'))('%s marks the item and leaves it as it is', async (action) => {
      const intent = await intentOn(store.connector, evil, action);
      const before = await store.connector.stat(evil, signal);
      const report = await store.connector.act(intent, signal);
      expect(report).toMatchObject({ state: 'done', code: 'applied' });
      // A store that keeps tags with the item may count them as a version: then it says so.
      const now = await store.connector.stat(evil, signal);
      expect([before.version, ...(report.made ?? [])]).toContain(now.version);
      expect((await store.contents()).get('dir/evil')?.toString()).toBe('evil bytes');
      expect(await locations()).toEqual(['dir/evil', 'dir/good']);
      expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'already_applied' });
    });

    test.each(having('move', 'movetag', 'delete', 'tag'))('%s never touches another version', async (action) => {
      for (const replace of ['put', 'overwrite'] as const) {
        const intent = await intentOn(store.connector, evil, action, `job-1/${action}:${replace}`);
        // Other bytes each time: a store may pin bytes, not writes.
        await store[replace](at('dir/evil'), at(`new, good: ${replace}!`));
        const before = await store.contents();
        const report = await store.connector.act(intent, signal);
        expect(report).toMatchObject({ state: 'refused', code: 'version_changed' });
        const current = await store.connector.stat(evil, signal);
        expect(report.current).toEqual(current);
        expect(await store.contents()).toEqual(before);
        expect(await store.quarantined(intent.destination as string)).toBeUndefined();
        expect(await store.connector.act(intent, signal)).toEqual(report);
      }
    });

    test.each(having('move', 'movetag', 'delete', 'tag'))(
      '%s of what somebody else took away is not found',
      async (action) => {
        const intent = await intentOn(store.connector, evil, action);
        await store.remove(at('dir/evil'));
        expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'failed', code: 'not_found' });
        expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'failed', code: 'not_found' });
        await store.remove(at('dir/good'));
        expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'failed', code: 'not_found' });
      },
    );

    test.each(having('move', 'movetag', 'delete'))(
      '%s, then a new file under the name: the new one stays',
      async (action) => {
        const intent = await intentOn(store.connector, evil, action);
        await store.connector.act(intent, signal);
        const bytes = contentVersions ? 'other bytes' : 'evil bytes';
        await store.put(at('dir/evil'), at(bytes));
        const current = await store.connector.stat(evil, signal);
        const report = await store.connector.act(intent, signal);
        expect(report).toMatchObject({ state: 'done', code: 'already_applied', current });
        expect((await store.contents()).get('dir/evil')?.toString()).toBe(bytes);
      },
    );

    test.each(having('move', 'movetag'))('%s never overwrites in quarantine', async (action) => {
      const intent = await intentOn(store.connector, evil, action);
      await store.occupy(intent.destination as string, at('something else'));
      const before = await store.contents();
      expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'failed', code: 'destination_taken' });
      expect(await store.contents()).toEqual(before);
      expect((await store.quarantined(intent.destination as string))?.toString()).toBe('something else');
    });

    test.each(['../out', '/tmp/out', 'a/../../out', '', 'a\0b'])(
      'a destination that leaves quarantine is refused: %j',
      async (destination) => {
        const intent = { ...(await intentOn(store.connector, evil, 'move')), destination };
        const before = await store.contents();
        expect((await store.connector.act(intent, signal)).state).toBe('failed');
        expect(await store.contents()).toEqual(before);
      },
    );

    test('odd names and empty items move and come back', async () => {
      for (const [index, location] of names.entries()) {
        await store.put(location, index === 0 ? Buffer.alloc(0) : location);
      }
      const items = (await listed(store.connector)).filter((item) => !item.location.startsWith('dir/'));
      const before = await store.contents();
      const rows: ActionRow[] = [];
      for (const [index, item] of items.entries()) {
        const named: ItemRef = {
          location: item.location,
          ...(item.locationBytes !== undefined && { locationBytes: item.locationBytes }),
        };
        const intent = await intentOn(store.connector, named, 'move', `job-1/0-2:${index}`);
        const report = await store.connector.act(intent, signal);
        expect(report).toMatchObject({ state: 'done', code: 'applied' });
        rows.push(rowOf(intent, report));
      }
      expect([...(await store.contents()).keys()].sort()).toEqual(['dir/evil', 'dir/good']);
      for (const row of rows) expect(await store.connector.restore(row, signal)).toMatchObject({ state: 'done' });
      expect(await store.contents()).toEqual(before);
    });

    test('restore brings the bytes back once, and says which version it made', async () => {
      const intent = await intentOn(store.connector, evil, 'move');
      const row = rowOf(intent, await store.connector.act(intent, signal));
      const report = await store.connector.restore(row, signal);
      expect(report).toMatchObject({ state: 'done', code: 'applied' });
      expect((await store.contents()).get('dir/evil')?.toString()).toBe('evil bytes');
      expect(await store.quarantined(intent.destination as string)).toBeUndefined();
      expect(report.made).toEqual([(await store.connector.stat(evil, signal)).version]);
      expect(await store.connector.restore(row, signal)).toEqual({ ...report, code: 'already_applied' });
      // What was put back is another version than the one that was judged: it is scanned before it is touched again.
      expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'refused', code: 'version_changed' });
    });

    test('restore overwrites nothing, and what is gone stays gone', async () => {
      const intent = await intentOn(store.connector, evil, 'move');
      const row = rowOf(intent, await store.connector.act(intent, signal));
      await store.put(at('dir/evil'), at('newer'));
      expect(await store.connector.restore(row, signal)).toMatchObject({ state: 'failed', code: 'destination_taken' });
      expect((await store.contents()).get('dir/evil')?.toString()).toBe('newer');
      expect((await store.quarantined(intent.destination as string))?.toString()).toBe('evil bytes');
      await store.remove(at('dir/evil'));
      expect(await store.connector.restore(row, signal)).toMatchObject({ state: 'done', code: 'applied' });
      await store.remove(at('dir/evil'));
      expect(await store.connector.restore(row, signal)).toMatchObject({ state: 'failed', code: 'not_found' });
      expect((await store.connector.restore({ ...row, undo: { kind: 'other' } }, signal)).state).toBe('failed');
    });

    test('an aborted action throws, and leaves the item in its place', async () => {
      const intent = await intentOn(store.connector, evil, 'move');
      const before = await store.contents();
      await expect(store.connector.act(intent, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
      expect(await store.contents()).toEqual(before);
    });
  });

  describe(`${name}: death in the middle of an action`, () => {
    const fresh = async () => {
      const store = await make();
      await store.put(at('dir/evil'), at('evil bytes'));
      await store.put(at('dir/good'), at('good bytes'));
      return store;
    };
    const evil = ref('dir/evil');

    test.each(having('move', 'movetag', 'delete', 'tag'))('%s is finished by the next attempt', async (action) => {
      const deaths = await eachDeath(
        fresh,
        (connector, _store, intent) => connector.act(intent, signal),
        (store) => intentOn(store.connector, evil, action),
        async (store, intent) => {
          const report = await store.connector.act(intent, signal);
          expect(report.state).toBe('done');
          const contents = await store.contents();
          expect(contents.get('dir/good')?.toString()).toBe('good bytes');
          expect(contents.get('dir/evil')?.toString()).toBe(action === 'tag' ? 'evil bytes' : undefined);
          if (action !== 'tag') expect(contents.size).toBe(1);
          if (action === 'move' || action === 'movetag') {
            expect((await store.quarantined(intent.destination as string))?.toString()).toBe('evil bytes');
            expect(report.undo).toBeDefined();
          }
          const items = await listed(store.connector);
          expect(inOrder(options, items.map(locationOf))).toEqual(
            action === 'tag' ? ['dir/evil', 'dir/good'] : ['dir/good'],
          );
          expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'already_applied' });
        },
      );
      expect(deaths).toBeGreaterThan(0);
    });

    test.each(having('move', 'movetag', 'delete'))('%s never takes a file that came in between', async (action) => {
      await eachDeath(
        fresh,
        (connector, _store, intent) => connector.act(intent, signal),
        (store) => intentOn(store.connector, evil, action),
        async (store, intent) => {
          await store.put(at('dir/evil'), at('new, good!'));
          const report = await store.connector.act(intent, signal);
          expect(['done', 'refused']).toContain(report.state);
          const contents = await store.contents();
          expect(contents.get('dir/evil')?.toString()).toBe('new, good!');
          expect(contents.get('dir/good')?.toString()).toBe('good bytes');
          expect(contents.size).toBe(2);
          const kept = (await store.quarantined(intent.destination as string))?.toString();
          expect(kept).toBe(action !== 'delete' && report.state === 'done' ? 'evil bytes' : undefined);
        },
      );
    });

    test('restore is finished by the next attempt', async () => {
      let row: ActionRow | undefined;
      const deaths = await eachDeath(
        fresh,
        (connector) => connector.restore(row as ActionRow, signal),
        async (store) => {
          const intent = await intentOn(store.connector, evil, having('movetag')[0] ?? 'move');
          row = rowOf(intent, await store.connector.act(intent, signal));
          return intent;
        },
        async (store, intent) => {
          const report = await store.connector.restore(row as ActionRow, signal);
          expect(report.state).toBe('done');
          const contents = await store.contents();
          expect([...contents.keys()].sort()).toEqual(['dir/evil', 'dir/good']);
          expect(contents.get('dir/evil')?.toString()).toBe('evil bytes');
          expect(await store.quarantined(intent.destination as string)).toBeUndefined();
          expect(await store.connector.restore(row as ActionRow, signal)).toMatchObject({ code: 'already_applied' });
        },
      );
      expect(deaths).toBeGreaterThan(0);
    });
  });
}
