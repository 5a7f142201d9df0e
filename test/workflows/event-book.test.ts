import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventMark, IntakeRef } from '../../domain/intake.ts';
import { EventBook, MOST_PENDING } from '../../workflows/on-access/event-book.ts';
import { WINDOW } from '../../workflows/on-access/event-window.ts';

const page = (n: number, writer = 'w'): IntakeRef => ({ slot: '2026-01-01T00', writer, n });
const lineOf = (ref: IntakeRef, line: number): string => `${ref.writer}-${ref.n}:${line}`;

/** Everything that a turn of the book takes. */
function take(book: EventBook, most = 100) {
  return book.take(most).flatMap(({ ref, lines, duplicate = [], superseded = [] }) =>
    lines.map((line) => ({
      line: lineOf(ref, line),
      fate: duplicate.includes(line) ? 'duplicate' : superseded.includes(line) ? 'superseded' : 'scanned',
    })),
  );
}

describe('the book of events', () => {
  it('skips a repeat, and the older of two events of a place, whichever came first', () => {
    const book = new EventBook();
    book.receive(page(1), [
      ['a1', 'a', '1'],
      ['a1', 'a', '1'],
      ['a2', 'a', '2'],
      ['b2', 'b', '2'],
      ['b1', 'b', '1'],
    ]);
    expect(take(book).map(({ fate }) => fate)).toEqual(['superseded', 'duplicate', 'scanned', 'scanned', 'superseded']);
  });

  it('keeps an event back while its place is being scanned, and lets a newer one take its turn', () => {
    const book = new EventBook();
    book.receive(page(1), [['a1', 'a', '1']]);
    expect(take(book)).toEqual([{ line: 'w-1:0', fate: 'scanned' }]);
    book.receive(page(2), [['a2', 'a', '2']]);
    book.planned('0-0');
    expect(book.ready).toBe(false);
    book.receive(page(3), [['a3', 'a', '3']]);
    expect(take(book)).toEqual([{ line: 'w-2:0', fate: 'superseded' }]);
    book.planned('0-1');
    const carried = new EventBook(JSON.parse(JSON.stringify(book.carry())));
    expect(carried.ready).toBe(false);
    carried.closed('0-0');
    expect(take(carried)).toEqual([{ line: 'w-3:0', fate: 'scanned' }]);
  });

  it('takes a page that comes again for nothing', () => {
    const book = new EventBook();
    expect(book.receive(page(1), [['a', 'a']])).toBe(true);
    expect(book.receive(page(3), [['c', 'c']])).toBe(true);
    expect(book.receive(page(1), [['a', 'a']])).toBe(false);
    expect(book.received().writers).toEqual([
      {
        writer: 'w',
        slot: '2026-01-01T00',
        spans: [
          [1, 1],
          [3, 3],
        ],
      },
    ]);
    book.receive(page(2), [['b', 'b']]);
    expect(book.received().writers[0]?.spans).toEqual([[1, 3]]);
  });

  it('lets what was dropped come again', () => {
    const book = new EventBook();
    book.receive(page(1), [['a', 'a', '2']]);
    expect(book.drop()).toBe(1);
    book.receive(page(2), [['a', 'a', '1']]);
    expect(take(book)).toEqual([{ line: 'w-2:0', fate: 'scanned' }]);
  });

  it('keeps the places of a page whose items are listed again, until both pages are closed', () => {
    const book = new EventBook();
    book.receive(page(1), [
      ['a1', 'a'],
      ['b1', 'b'],
    ]);
    take(book);
    book.planned('0-0');
    book.again('0-0', '1-0');
    book.closed('0-0');
    book.receive(page(2), [['a2', 'a']]);
    expect(book.ready).toBe(false);
    const carried = new EventBook(JSON.parse(JSON.stringify(book.carry())));
    expect(carried.ready).toBe(false);
    carried.closed('1-0');
    expect(take(carried)).toEqual([{ line: 'w-2:0', fate: 'scanned' }]);
  });

  it('tells every event of pages that can not be read again, whichever they are', () => {
    const page3 = fc.record({ events: fc.integer({ min: 1, max: 200 }), lost: fc.boolean(), gap: fc.boolean() });
    fc.assert(
      fc.property(fc.array(page3, { minLength: 1, maxLength: 40 }), fc.boolean(), (pages, carries) => {
        let book = new EventBook();
        // Full, so that what comes next is known by name alone.
        for (let n = 1; n <= MOST_PENDING / 128; n++)
          book.receive(
            page(n, 'full'),
            Array.from({ length: 128 }, (_, i): EventMark => [`full${n}-${i}`, `full${n}-${i}`]),
          );
        const marks = new Map<number, EventMark[] | null>();
        let n = 0;
        for (const { events, lost, gap } of pages) {
          n += gap ? 2 : 1;
          const own = Array.from({ length: events }, (_, i): EventMark => [`k${n}-${i}`, `p${n}-${i}`]);
          book.receive(page(n), own);
          marks.set(n, lost ? null : own);
        }
        const came = book.count;
        let [taken, dropped] = [0, 0];
        for (let turn = 0; book.pending > 0; turn++) {
          expect(turn).toBeLessThan(1_000);
          taken += take(book).length;
          book.planned(`0-${turn}`);
          book.closed(`0-${turn}`);
          for (const ref of book.wanted(20)) dropped += book.read(ref, marks.get(ref.n) ?? null);
          if (carries) book = new EventBook(JSON.parse(JSON.stringify(book.carry())));
        }
        expect(taken + dropped).toBe(came);
        expect(dropped).toBe(pages.filter(({ lost }) => lost).reduce((sum, { events }) => sum + events, 0));
      }),
      { seed: 12, numRuns: 100 },
    );
  });

  it('gives every event exactly one fate, scans the newest of each place, and no place twice at once', () => {
    const event = fc.record({ place: fc.nat(4), order: fc.option(fc.nat(6), { nil: undefined }), key: fc.nat(40) });
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('receive' as const),
          events: fc.array(event, { minLength: 1, maxLength: 4 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('take' as const), most: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 2, arbitrary: fc.constant({ kind: 'planned' as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'failed' as const }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('closed' as const), which: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'carry' as const }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let book = new EventBook();
        const came: { line: string; place: string; order: string | undefined; key: string }[] = [];
        const fates = new Map<string, string>();
        const open = new Map<string, string[]>();
        let turn: { line: string; fate: string }[] | undefined;
        let pages = 0;
        let planned = 0;
        const placeOf = (line: string) => came.find((one) => one.line === line)?.place as string;
        const scannedOf = (lines: { line: string; fate: string }[]) =>
          lines.filter(({ fate }) => fate === 'scanned').map(({ line }) => placeOf(line));
        const takeTurn = (most: number) => {
          turn = take(book, most);
          const busy = [...open.values()].flat();
          for (const place of scannedOf(turn)) expect(busy).not.toContain(place);
          expect(new Set(scannedOf(turn)).size).toBe(scannedOf(turn).length);
        };
        const endTurn = () => {
          for (const { line, fate } of turn ?? []) {
            expect(fates.has(line)).toBe(false);
            fates.set(line, fate);
          }
          const name = `0-${planned++}`;
          open.set(name, scannedOf(turn ?? []));
          book.planned(name);
          turn = undefined;
        };
        const close = (name: string | undefined) => {
          if (name === undefined) return;
          book.closed(name);
          open.delete(name);
        };
        for (const one of steps) {
          if (one.kind === 'receive') {
            const ref = page(++pages);
            const marks = one.events.map(({ key, place, order }): EventMark => {
              const name = `k${key}-${place}-${order}`;
              return order === undefined ? [name, `p${place}`] : [name, `p${place}`, `${order}`];
            });
            for (const [at, [key, place, order]] of marks.entries())
              came.push({ line: lineOf(ref, at), key, place, order });
            book.receive(ref, marks);
          } else if (one.kind === 'take') {
            if (turn === undefined && book.ready) takeTurn(one.most);
          } else if (one.kind === 'planned') {
            if (turn !== undefined) endTurn();
          } else if (one.kind === 'failed') {
            if (turn !== undefined) book.giveBack();
            turn = undefined;
          } else if (one.kind === 'closed') {
            close([...open.keys()][one.which]);
          } else if (turn === undefined) {
            book = new EventBook(JSON.parse(JSON.stringify(book.carry())));
          }
        }
        if (turn !== undefined) endTurn();
        for (let rounds = 0; book.pending > 0; rounds++) {
          expect(rounds).toBeLessThan(1_000);
          for (const name of [...open.keys()]) close(name);
          takeTurn(100);
          endTurn();
        }
        expect([...fates.keys()].sort()).toEqual(came.map(({ line }) => line).sort());
        const seen = new Set<string>();
        const fateOf = ({ line }: { line: string }) => fates.get(line);
        for (const one of came) {
          expect(fateOf(one) === 'duplicate').toBe(seen.has(one.key));
          seen.add(one.key);
        }
        for (const place of new Set(came.map((one) => one.place))) {
          const first = came.filter((one) => one.place === place && fateOf(one) !== 'duplicate');
          const top = first.reduce((most, { order }) => (order !== undefined && order > most ? order : most), '');
          // Without orders the last arrival is the newest, with them the last of those that have the greatest.
          const ordered = first.every(({ order }) => order !== undefined);
          const newest = ordered ? first.filter(({ order }) => order === top) : first;
          const plain = ordered || first.every(({ order }) => order === undefined);
          if (plain) expect(fateOf(newest.at(-1) as { line: string })).toBe('scanned');
          expect(first.some((one) => fateOf(one) === 'scanned')).toBe(true);
        }
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it('takes any number of events in bounded room, in the order they came', () => {
    const book = new EventBook();
    const mark = (i: number): EventMark => [
      `key-${String(i).padStart(8, '0')}`,
      `place${String(i).padStart(7, '0')}`,
      String(i).padStart(32, '0'),
    ];
    for (let n = 1; n <= 20_000; n++) book.receive(page(n), [mark(n)]);
    expect(book.pending).toBe(20_000);
    const size = JSON.stringify(book.carry()).length;
    expect(size).toBeLessThan(700_000);
    const order: string[] = [];
    for (let turn = 0; book.pending > 0; turn++) {
      for (const { line } of take(book)) order.push(line);
      book.planned(`0-${turn}`);
      book.closed(`0-${turn}`);
      for (const ref of book.wanted(20)) book.read(ref, [mark(ref.n)]);
    }
    expect(order).toEqual(Array.from({ length: 20_000 }, (_, i) => `w-${i + 1}:0`));
    const full = JSON.stringify(book.carry());
    expect(JSON.parse(full).keys).toHaveLength(WINDOW);
    expect(full.length).toBeLessThan(700_000);
    expect(MOST_PENDING).toBeLessThan(WINDOW);
  });
});
