import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Silence } from '../../scanner/silence.ts';
import { calm, failureOf, pair, scanText } from './support.ts';

describe('a failure that may be the whole scanner’s', () => {
  it('is the scanner’s when a probe fails too: the gate closes, and says both', async () => {
    const { scanner } = await pair({ faults: ['503 times=2'] });
    const failure = await failureOf(scanText(scanner, 'a'));
    const doubted = await scanner.doubt(failure, calm);
    expect(doubted.code).toBe('scanner_unreachable');
    expect(doubted.message).toMatch(/503.*probe fared no better.*503/);
    expect(scanner.state().gate?.code).toBe('scanner_unreachable');
  });

  it('is the item’s own when a probe goes well', async () => {
    const { scanner } = await pair({ faults: ['500'] });
    const failure = await failureOf(scanText(scanner, 'a'));
    expect(await scanner.doubt(failure, calm)).toBe(failure);
    expect(scanner.state().gate).toBeUndefined();
  });

  it('of a scanner that is starting is told as that', async () => {
    const { scanner } = await pair({ faults: ['500', 'initializing'] });
    const failure = await failureOf(scanText(scanner, 'a'));
    expect((await scanner.doubt(failure, calm)).code).toBe('scanner_starting');
  });
});

describe('a scanner that takes everything and answers nothing', () => {
  it('is unreachable for a probe, and for an item whose time is over', async () => {
    const { scanner, standin } = await pair({ faults: ['hang times=*'] }, { headersTimeoutMs: 200 });
    expect(await scanner.probe(calm)).toMatchObject({ ok: false, code: 'scanner_unreachable', silent: true });
    const failure = await failureOf(scanText(scanner, 'a'));
    expect(failure.code).toBe('scan_timeout');
    expect((await scanner.doubt(failure, calm)).code).toBe('scanner_unreachable');
    standin.setFaults([]);
    await scanner.untilOpen(calm);
    expect((await scanText(scanner, 'a')).outcome).toBe('clean');
  });
});

describe('silence', () => {
  let asked: number;
  let silence: Silence;
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
    asked = 0;
    silence = new Silence(
      async () => {
        asked += 1;
      },
      () => Date.now(),
    );
  });
  afterEach(() => {
    silence.close();
    vi.useRealTimers();
  });

  it('is asked about after 30 s without an answer, and again after as long', async () => {
    silence.begin();
    await vi.advanceTimersByTimeAsync(29_000);
    expect(asked).toBe(0);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(asked).toBe(1);
    await vi.advanceTimersByTimeAsync(35_000);
    expect(asked).toBe(2);
  });

  it('is none while something is answered, or nothing is in flight', async () => {
    silence.begin();
    for (let i = 0; i < 6; i++) {
      await vi.advanceTimersByTimeAsync(20_000);
      silence.heard();
    }
    silence.end();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(asked).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
