import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountText, resultText } from '../../cli/render/account.ts';
import { visible, visibleLocation } from '../../cli/render/names.ts';
import { progressLine, progressLines, stateText } from '../../cli/render/progress.ts';
import { plainStyle, styleOf } from '../../cli/render/style.ts';
import { bytes, count, duration, rate } from '../../cli/render/units.ts';
import { cut, cutPath, displayWidth } from '../../cli/render/width.ts';
import { noOutcomes } from '../../domain/outcome.ts';
import { actionRow, endedJob, findingRow, ROOT_HASH, runningJob } from './samples.ts';

describe('units', () => {
  it('are short and binary', () => {
    expect([0, 999, 1000, 1024, 1536, 10_485_760, 1.25 * 2 ** 30, 5 * 2 ** 50].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '0.98 KiB',
      '1 KiB',
      '1.5 KiB',
      '10 MiB',
      '1.25 GiB',
      '5 PiB',
    ]);
    expect([0, 0.04, 7.75, 56.25, 999.4, 12_345.6].map(rate)).toEqual(['0', '0.04', '7.75', '56.3', '999', '12,346']);
    expect(count(1234567)).toBe('1,234,567');
  });
  it('tell durations as a person does', () => {
    expect([0, 0.44, 9.94, 9.96, 59.4, 60, 80, 3599, 3600, 11_100, 86_400, 187_200].map(duration)).toEqual([
      '0 s',
      '0.4 s',
      '9.9 s',
      '10 s',
      '59 s',
      '1 m 00 s',
      '1 m 20 s',
      '59 m 59 s',
      '1 h 00 m',
      '3 h 05 m',
      '1 d 0 h',
      '2 d 4 h',
    ]);
    expect([Number.NaN, -1, Number.POSITIVE_INFINITY].map(duration)).toEqual(['-', '-', '-']);
  });
});

describe('names', () => {
  it('show what a terminal would obey or hide', () => {
    expect(visible('a\nb\tc\\d\u001b[31m')).toBe('a\\nb\\tc\\\\d\\x1b[31m');
    expect(visible('evil\u202etxt.exe')).toBe('evil\\u{202e}txt.exe');
    expect(visible(' x ')).toBe('\\x20x\\x20');
    expect(visible('no\u00a0break \u200bzero')).toBe('no\\xa0break \\u{200b}zero');
    expect(visible('\u{1F98A} étude')).toBe('\u{1F98A} étude');
    expect(visible('')).toBe('');
  });
  it('show bytes that are no UTF-8 exactly', () => {
    const bytes = Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xc3, 0x0a, 0x20]);
    expect(visibleLocation({ location: 'x', locationBytes: bytes.toString('base64') })).toBe('a\\xffé\\xc3\\n\\x20');
  });
  it('never hold anything but printable characters, and differ when the names do', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(visible(a)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        if (a !== b) expect(visible(a)).not.toBe(visible(b));
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        const [shownA, shownB] = [a, b].map((raw) =>
          visibleLocation({ location: '', locationBytes: Buffer.from(raw).toString('base64') }),
        );
        if (Buffer.compare(a, b) !== 0) expect(shownA).not.toBe(shownB);
      }),
    );
  });
});

describe('width', () => {
  it('counts wide and combining characters', () => {
    expect(['abc', '日本', 'e\u0301', '\u{1F98A}'].map(displayWidth)).toEqual([3, 4, 1, 2]);
  });
  it('cuts to the columns there are', () => {
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cutPath('/a/long/path/to/the/file.txt', 16)).toBe('/a/lo…e/file.txt');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, columns) => {
        expect(displayWidth(cut(text, columns))).toBeLessThanOrEqual(columns);
        expect(displayWidth(cutPath(text, columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

const RATES = { itemsPerSecond: 5312.4, bytesPerSecond: 21 * 2 ** 20, etaSeconds: 80 };
const NOW = new Date('2026-11-23T10:00:12.000Z');

describe('progress', () => {
  const live = {
    counters: { outcomes: { ...noOutcomes(), clean: 90, malicious: 2, failed: 8 }, bytes: 4096 * 92, standIn: 0 },
    inFlight: 24,
    itemsPerSecond: 5312.4,
    bytesPerSecond: 21 * 2 ** 20,
  };
  it('tells on 80 columns what is listed, scanned, in flight, how fast, how long, and found', () => {
    expect(progressLines(runningJob({ live }), RATES, plainStyle(80), NOW)).toEqual([
      '/srv/share',
      'running f-1',
      'listed 1,000 (3.91 MiB), listing done',
      'scanned 500  50 %, 24 in flight  ###############---------------',
      '5,312 items/s, 21 MiB/s, ETA 1 m 20 s, 12 s so far',
      '2 findings, 8 failed',
    ]);
  });
  it('says so while the listing goes on, and gives no share or ETA then', () => {
    const rates = { ...RATES, etaSeconds: undefined };
    const lines = progressLines(runningJob({ live, listingDone: false }), rates, plainStyle(80), NOW);
    expect(lines.slice(2, 5)).toEqual([
      'listed 1,000 (3.91 MiB), still listing',
      'scanned 500, 24 in flight',
      '5,312 items/s, 21 MiB/s, 12 s so far',
    ]);
  });
  it('keeps to the width at 60 columns and fewer, whatever the names', () => {
    const paths = fc.string({ unit: 'grapheme', maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 21, max: 120 }), paths, paths, (columns, path, reason) => {
        const job = runningJob({
          source: { kind: 'folder', id: 'x', path: `/${path}` },
          state: 'paused',
          idle: { why: 'paused', by: 'alice', reason },
          listed: 123_456_789,
          listedBytes: 2 ** 50,
          live: { ...live, inFlight: 4096 },
        });
        const lines = progressLines(job, { ...RATES, etaSeconds: 1e6 }, plainStyle(columns), NOW);
        expect(lines).toHaveLength(6);
        for (const line of lines) expect(displayWidth(line)).toBeLessThan(columns);
      }),
    );
  });
  it('says why nothing moves', () => {
    const states = [
      runningJob({ state: 'paused', idle: { why: 'paused', by: 'alice', reason: 'backup\nwindow' } }),
      runningJob({ state: 'held', idle: { why: 'held', reason: 'the scanner is down' } }),
      runningJob({ idle: { why: 'waiting_for_worker' } }),
      runningJob(),
    ];
    expect(states.map(stateText)).toEqual([
      'paused by alice: backup\\nwindow',
      'held: the scanner is down',
      'waiting for a worker',
      'running',
    ]);
  });
  it('is one line for pipes', () => {
    expect(progressLine(runningJob({ live }), RATES, NOW)).toBe(
      '10:00:12Z running: listed 1,000, scanned 500, in flight 24, 5,312 items/s, 21 MiB/s, ETA 1 m 20 s, findings 2, failed 8',
    );
  });
});

describe('style', () => {
  it('has colours on a terminal only, and not with NO_COLOR', () => {
    const terminal = { isTTY: true, columns: 60 };
    expect(styleOf(terminal, {}).bad('x')).not.toBe('x');
    expect(styleOf(terminal, { NO_COLOR: '1' }).bad('x')).toBe('x');
    expect(styleOf({}, {}).bad('x')).toBe('x');
    expect(styleOf(terminal, {}).columns).toBe(60);
    expect(styleOf({}, {}).columns).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('account', () => {
  it('of a complete scan', () => {
    expect(accountText(endedJob(), [], plainStyle())).toBe(
      `complete

  job         f-1
  source      /srv/share
  scanner     dsxa
  action      nothing

  listed          1,000
  clean           1,000

  3.91 MiB judged in 10 s, 100 items/s, 400 KiB/s

ledger  /var/dsx/ledger/f-1
root    ${ROOT_HASH}
verify  dsx ledger verify f-1 --root ${ROOT_HASH}`,
    );
  });
  it('of a scan with findings, gaps and a stand-in', () => {
    const outcomes = {
      ...noOutcomes(),
      clean: 990,
      malicious: 2,
      policy_blocked: 1,
      unscannable: 3,
      skipped: 2,
      failed: 2,
    };
    const job = endedJob({
      state: 'completed_with_gaps',
      settings: { filter: '*.exe', action: 'move', quarantine: '/q', dryRun: false, scanner: 'standin' },
      counters: { outcomes, bytes: 4096, standIn: 996 },
      actions: { planned: 0, 'awaiting-approval': 0, done: 1, failed: 0, refused: 1 },
      gaps: [
        { class: 'failed', count: 2, detail: 'a\nb: EIO' },
        { class: 'unscannable', count: 3 },
        { class: 'action_failed', count: 1 },
      ],
      outside: 7,
    });
    const refused = actionRow(2, { state: 'refused', code: 'version_changed', note: 'another file is in its place' });
    const { destination: _, ...rest } = refused;
    const text = accountText(
      job,
      [
        { row: findingRow(1), action: actionRow(1) },
        { row: findingRow(2, { location: 'b\u202ed' }), action: rest },
      ],
      plainStyle(),
    );
    expect(text).toBe(
      `complete with gaps (6)

  job         f-1
  source      /srv/share
  filter      *.exe
  scanner     standin
  action      move
  quarantine  /q

  judged by a stand-in: no proof of anything

  listed          1,000
  clean             990
  malicious           2
  policy blocked      1
  unscannable         3
  skipped             2
  failed              2
  outside             7  (seen, but outside the filter; not listed)

  move: 1 done, 1 refused

  4 KiB judged in 10 s, 100 items/s, 410 B/s

findings (3)
  malicious EICARType: bad/file-1.exe
    moved to /var/dsx/quarantine/q-1
  malicious EICARType: b\\u{202e}d
    move refused: version_changed, another file is in its place
  and 1 more: dsx ledger show f-1 --outcome malicious

gaps (6)
  items that could not be read or scanned: 2
    for example: a\\nb: EIO
    see why with: dsx ledger show f-1 --outcome failed; mend it and retry: dsx retry f-1
  items that the scanner could not judge (encrypted, too large, not supported): 3
    look at them yourself: dsx ledger show f-1 --outcome unscannable
  actions on findings that failed or were refused: 1
    see why with: dsx ledger show f-1 --actions; mend it and scan again

ledger  /var/dsx/ledger/f-1
root    ${ROOT_HASH}
verify  dsx ledger verify f-1 --root ${ROOT_HASH}`,
    );
  });
  it('of a cancelled scan says what was not scanned', () => {
    const counters = { outcomes: { ...noOutcomes(), clean: 10 }, bytes: 40, standIn: 0 };
    const text = accountText(endedJob({ state: 'cancelled', counters, listingDone: false }), [], plainStyle());
    expect(text.split('\n').slice(0, 11)).toEqual([
      'cancelled',
      '',
      '  job         f-1',
      '  source      /srv/share',
      '  scanner     dsxa',
      '  action      nothing',
      '',
      '  listed          1,000',
      '  clean              10',
      '  not scanned       990',
      '  the listing had not come to its end',
    ]);
  });
  it('names the result honestly', () => {
    const failure = { code: 'x', message: 'the ledger is full' };
    expect(resultText(endedJob({ state: 'failed', failure }))).toBe('failed: the ledger is full');
    expect(resultText(runningJob())).toBe('running (not ended)');
  });
});
