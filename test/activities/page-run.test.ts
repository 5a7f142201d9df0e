import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bitmap } from '../../activities/scan-page/bitmap.ts';
import { MAX_HANDS, PageRun } from '../../activities/scan-page/page-run.ts';
import type { Checkpoint } from '../../activities/types.ts';
import type { Item } from '../../domain/item.ts';
import { type OutcomeRow, rowHead, rowsOf } from '../../domain/outcome.ts';

const items = (n: number): Item[] =>
  Array.from({ length: n }, (_, i) => ({ location: `f${i}`, version: `v${i}`, size: 1 }));
const row = (ordinal: number): OutcomeRow => ({
  ...rowHead('0-1', ordinal, { location: `f${ordinal}` }),
  outcome: 'vanished',
  at: '2026-11-23T00:00:00.000Z',
});

function save(run: PageRun, part = `part-${run.parts}`): void {
  const rows = run.takeUnsaved();
  run.saved(rows, part);
}

describe('Bitmap', () => {
  it('keeps what was added through its encoding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.array(fc.nat(4999)), (size, ordinals) => {
        const bitmap = new Bitmap(size);
        const added = ordinals.filter((o) => o < size);
        for (const o of added) bitmap.add(o);
        const again = new Bitmap(size, bitmap.encode());
        for (let o = 0; o < size; o++) expect(again.has(o)).toBe(added.includes(o));
      }),
      { numRuns: 20 },
    );
  });
});

describe('PageRun', () => {
  it('gives every ordinal out once and is complete when all have rows', () => {
    const run = new PageRun('0-1', items(5), undefined, false);
    const taken: number[] = [];
    for (let o = run.take(); o !== undefined; o = run.take()) taken.push(o);
    expect(taken).toEqual([0, 1, 2, 3, 4]);
    expect(run.complete).toBe(false);
    for (const o of taken) run.put(o, row(o));
    expect(run.complete).toBe(true);
  });

  it('counts for the checkpoint only rows that a part holds', () => {
    const run = new PageRun('0-1', items(3), undefined, false);
    run.put(run.take() ?? -1, row(0));
    expect(rowsOf(run.checkpoint().counters)).toBe(0);
    expect(rowsOf(run.counters())).toBe(1);
    save(run);
    expect(rowsOf(run.checkpoint().counters)).toBe(1);
    const next = new PageRun('0-1', items(3), run.checkpoint(true), false);
    expect(next.take()).toBe(1);
  });

  it('does again what was not written down', () => {
    const run = new PageRun('0-1', items(2), undefined, false);
    const first = run.take() ?? -1;
    run.put(first, row(first));
    const again = new PageRun('0-1', items(2), run.checkpoint(), true);
    again.announce();
    expect([again.take(), again.take(), again.take()]).toEqual([0, 1, undefined]);
  });

  it('runs what was in hand at a death alone and first, and counts only deaths that one item explains', () => {
    const run = new PageRun('0-1', items(4), undefined, false);
    run.take();
    run.take();
    const second = new PageRun('0-1', items(4), run.checkpoint(), true);
    expect(second.careful).toBe(true);
    expect(second.deathsOf(0)).toBe(0);
    expect(second.take()).toBe(0);
    const third = new PageRun('0-1', items(4), second.checkpoint(), true);
    expect(third.deathsOf(0)).toBe(1);
    expect(third.take()).toBe(0);
    const fourth = new PageRun('0-1', items(4), third.checkpoint(), true);
    expect(fourth.deathsOf(0)).toBe(2);
    fourth.take();
    expect(new PageRun('0-1', items(4), fourth.checkpoint(), true).deathsOf(0)).toBe(3);
  });

  it('begins after a death only what a checkpoint has named before', () => {
    const first = new PageRun('0-1', items(200), undefined, false);
    for (let i = 0; i < 3; i++) first.put(first.take() ?? -1, row(i));
    save(first);
    // The process died before any beat told what else was in hand.
    const run = new PageRun('0-1', items(200), first.checkpoint(), true);
    expect(run.careful).toBe(false);
    expect([run.mustAnnounce, run.take()]).toEqual([true, undefined]);
    run.announce();
    const named = new Set(run.checkpoint().hands);
    expect(named.size).toBe(MAX_HANDS);
    const taken: number[] = [];
    for (let o = run.take(); o !== undefined; o = run.take()) taken.push(o);
    expect(taken.every((o) => named.has(o))).toBe(true);
    // It died again: those are the suspects, and no others.
    const next = new PageRun('0-1', items(200), run.checkpoint(), true);
    expect([next.careful, next.take()]).toEqual([true, taken[0]]);
  });

  it('holds nothing against an item that was not alone in its process', () => {
    const run = new PageRun('0-1', items(1), undefined, false);
    run.take();
    run.crowd(true);
    const next = new PageRun('0-1', items(1), run.checkpoint(), true);
    expect([next.careful, next.deathsOf(0)]).toEqual([true, 0]);
  });

  it('suspects nothing after a page was handed back on purpose', () => {
    const run = new PageRun('0-1', items(4), undefined, false);
    run.take();
    expect(new PageRun('0-1', items(4), run.checkpoint(true), false).careful).toBe(false);
  });

  it('keeps its checkpoint within 8 KiB at the largest page', () => {
    const run = new PageRun('0-1', items(10_000), undefined, false);
    for (let i = 0; i < MAX_HANDS; i++) run.take();
    expect(JSON.stringify(run.checkpoint()).length).toBeLessThan(8192);
  });

  it('loses nothing and repeats nothing saved over any sequence of work, saves and deaths', () => {
    const step = fc.constantFrom('take', 'put', 'save', 'die', 'hand');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(step, { maxLength: 300 }), (n, steps) => {
        let checkpoint: Checkpoint | undefined;
        let run = new PageRun('0-1', items(n), checkpoint, false);
        let hand: number[] = [];
        const saved = new Set<number>();
        for (const s of steps) {
          if (s === 'take') {
            if (run.mustAnnounce) run.announce();
            const o = run.take();
            if (o !== undefined) {
              expect(saved.has(o)).toBe(false);
              hand.push(o);
            }
          } else if (s === 'put') {
            const o = hand.shift();
            if (o !== undefined) run.put(o, row(o));
          } else if (s === 'save') {
            const rows = run.takeUnsaved();
            for (const r of rows) saved.add(r.ordinal);
            run.saved(rows, 'p');
            checkpoint = run.checkpoint();
          } else {
            run = new PageRun('0-1', items(n), s === 'hand' ? run.checkpoint(true) : checkpoint, s === 'die');
            hand = [];
          }
        }
        const left: number[] = [...hand];
        do {
          if (run.mustAnnounce) run.announce();
          for (let o = run.take(); o !== undefined; o = run.take()) left.push(o);
          for (const o of left.splice(0)) run.put(o, row(o));
        } while (run.mustAnnounce);
        for (const o of left) run.put(o, row(o));
        expect(run.complete).toBe(true);
        const all = new Set([...saved, ...run.rows.keys()]);
        expect(all.size).toBe(n);
      }),
    );
  });
});
