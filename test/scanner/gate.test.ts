import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ScannerError } from '../../scanner/errors.ts';
import { createGate, type Gate } from '../../scanner/gate.ts';
import type { ProbeReport } from '../../scanner/scanner.ts';
import { calm, failureOf, pair, scanText } from './support.ts';

const GOOD: ProbeReport = { ok: true, detail: 'Benign', standIn: false, elapsedMs: 1 };
const BAD: ProbeReport = { ok: false, code: 'scanner_auth', detail: 'refused', standIn: false, elapsedMs: 1 };
const refusal = new ScannerError('scanner_auth', 'status 401', { status: 401 });

describe('the gate', () => {
  let well: boolean;
  let probes: number[];
  let closings: ScannerError[];
  let gate: Gate;

  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
    well = false;
    probes = [];
    closings = [];
    gate = createGate({
      name: 'test',
      probe: () => {
        probes.push(Date.now());
        return Promise.resolve(well ? GOOD : BAD);
      },
      onClose: (error) => closings.push(error),
      now: () => Date.now(),
      random: () => 0.5,
    });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('closes when a probe fails too, with the code of the failure', async () => {
    expect(await gate.confirm(refusal, 1, calm)).toBe(refusal);
    expect(gate.state()).toMatchObject({ code: 'scanner_auth', detail: 'status 401' });
    expect(() => gate.check()).toThrow(expect.objectContaining({ code: 'scanner_auth' }));
    expect(closings).toHaveLength(1);
  });

  it('stays open when the probe is good: then it was the item, at last a request that cannot be made', async () => {
    well = true;
    expect((await gate.confirm(refusal, 1, calm)).code).toBe('scanner_transient');
    expect((await gate.confirm(refusal, 2, calm)).code).toBe('scanner_transient');
    const third = await gate.confirm(refusal, 3, calm);
    expect([third.code, third.status, third.cause]).toEqual(['scanner_request', 401, refusal]);
    expect(gate.state()).toBeUndefined();
  });

  it('takes a broken connection for the scanner’s end when a probe fails too, else for what it is', async () => {
    const broken = new ScannerError('scanner_transient', 'the connection broke');
    well = true;
    expect(await gate.confirmLoss(broken, calm)).toBe(broken);
    expect(gate.state()).toBeUndefined();
    well = false;
    const gone = await gate.confirmLoss(broken, calm);
    expect([gone.code, gone.cause]).toEqual(['scanner_unreachable', broken]);
    expect(gate.state()).toMatchObject({ code: 'scanner_unreachable' });
    const asked = probes.length;
    expect((await gate.confirmLoss(broken, calm)).code).toBe('scanner_unreachable');
    expect(probes).toHaveLength(asked);
  });

  it('takes one of several scanners behind an address for what it is', async () => {
    well = true;
    for (const code of ['scanner_unreachable', 'scanner_starting'] as const) {
      expect((await gate.confirm(new ScannerError(code, 'x'), 5, calm)).code).toBe('scanner_busy');
    }
  });

  it('asks once for all failures that come together, and once more for those that came during the probe', async () => {
    well = true;
    const first = Promise.all([gate.confirm(refusal, 1, calm), gate.confirm(refusal, 1, calm)]);
    const second = gate.confirm(refusal, 1, calm);
    await first;
    await second;
    expect(probes.length).toBeLessThanOrEqual(2);
  });

  it('does not probe while nobody waits', async () => {
    await gate.confirm(refusal, 1, calm);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(probes).toHaveLength(1);
  });

  it('probes at growing intervals while somebody waits, and opens on a good one', async () => {
    await gate.confirm(refusal, 1, calm);
    let open = 0;
    const waiting = [gate.untilOpen(calm), gate.untilOpen(calm)].map((p) => p.then(() => (open += 1)));
    await vi.advanceTimersByTimeAsync(120_000);
    const gaps = probes.slice(1).map((at, i) => at - (probes[i] as number));
    expect(gaps).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(open).toBe(0);
    well = true;
    await vi.advanceTimersByTimeAsync(30_000);
    await Promise.all(waiting);
    expect(open).toBe(2);
    expect(() => gate.check()).not.toThrow();
    await gate.untilOpen(calm);
    const after = probes.length;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(probes).toHaveLength(after);
  });

  it('probes at once for somebody who comes after a long time', async () => {
    await gate.confirm(refusal, 1, calm);
    await vi.advanceTimersByTimeAsync(3_600_000);
    well = true;
    const waiting = gate.untilOpen(calm);
    await vi.advanceTimersByTimeAsync(0);
    await waiting;
  });

  it('starts again at short intervals after it was open', async () => {
    for (let round = 0; round < 2; round += 1) {
      well = false;
      probes = [];
      await gate.confirm(refusal, 1, calm);
      const waiting = gate.untilOpen(calm);
      await vi.advanceTimersByTimeAsync(1_600);
      expect(probes).toHaveLength(3);
      well = true;
      await vi.advanceTimersByTimeAsync(30_000);
      await waiting;
    }
  });

  it('lets go of one who gives up, and stops probing when the last one does', async () => {
    await gate.confirm(refusal, 1, calm);
    const stop = new AbortController();
    const why = new Error('handing back');
    const waiting = expect(gate.untilOpen(stop.signal)).rejects.toBe(why);
    await vi.advanceTimersByTimeAsync(600);
    stop.abort(why);
    await waiting;
    const before = probes.length;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(probes).toHaveLength(before);
    await expect(gate.untilOpen(stop.signal)).rejects.toBe(why);
  });

  it('opens on a good probe from elsewhere', async () => {
    await gate.confirm(refusal, 1, calm);
    const waiting = gate.untilOpen(calm);
    gate.learn(BAD);
    expect(gate.state()).toBeDefined();
    gate.learn(GOOD);
    await waiting;
    expect(gate.state()).toBeUndefined();
  });

  it('closed for good, tells everybody', async () => {
    await gate.confirm(refusal, 1, calm);
    const waiting = gate.untilOpen(calm);
    gate.close();
    await expect(waiting).rejects.toMatchObject({ code: 'scanner_unreachable' });
    await expect(gate.untilOpen(calm)).rejects.toBeInstanceOf(ScannerError);
    gate.learn(GOOD);
    expect(() => gate.check()).toThrow(ScannerError);
  });
});

describe('a scanner with a gate', () => {
  it('refuses at once while it is closed, without asking the scanner, and works again when it opens', async () => {
    const { scanner, standin } = await pair({ token: 'new' }, { token: 'old' });
    expect((await failureOf(scanText(scanner, 'a'))).code).toBe('scanner_auth');
    const before = standin.stats().scans;
    expect((await failureOf(scanText(scanner, 'a'))).code).toBe('scanner_auth');
    expect(standin.stats().scans).toBe(before);
    standin.setOptions({ token: 'old' });
    await scanner.untilOpen(calm);
    expect(scanner.state().gate).toBeUndefined();
    expect((await scanText(scanner, 'a')).outcome).toBe('clean');
  });

  it('is not closed by one odd 403 for one item', async () => {
    const { scanner } = await pair({ faults: ['403 metadata=bad times=*'] }, { metadata: true });
    const metadata = { item: 'bad' };
    const codes: string[] = [];
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      codes.push((await failureOf(scanText(scanner, 'a', { metadata, attempt }))).code);
    }
    expect(codes).toEqual(['scanner_transient', 'scanner_transient', 'scanner_request']);
    expect(scanner.state().gate).toBeUndefined();
    expect((await scanText(scanner, 'a')).outcome).toBe('clean');
  });

  it('tells those who wait for a slot', async () => {
    const { scanner, standin } = await pair({ faults: ['slow ms=20'] }, { maxConcurrency: 1 });
    standin.setOptions({ token: 'changed' });
    const codes = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (t) => (await failureOf(scanText(scanner, t))).code),
    );
    expect(codes).toEqual(Array(4).fill('scanner_auth'));
    expect(standin.stats().scans).toBeLessThanOrEqual(4);
    expect(scanner.state()).toMatchObject({ inFlight: 0, waiting: 0 });
  });

  it('waits for a scanner that is starting', async () => {
    const { scanner } = await pair({ startupMs: 300 });
    expect((await failureOf(scanText(scanner, 'a'))).code).toBe('scanner_starting');
    await scanner.untilOpen(calm);
    expect((await scanText(scanner, 'a')).outcome).toBe('clean');
  });

  it('reports what a probe found', async () => {
    const { scanner, standin } = await pair({ token: 'x' }, { token: 'x' });
    expect(await scanner.probe(calm)).toMatchObject({ ok: true, standIn: true });
    standin.setOptions({ token: 'y' });
    expect(await scanner.probe(calm)).toMatchObject({ ok: false, code: 'scanner_auth' });
    await standin.stop();
    expect(await scanner.probe(calm)).toMatchObject({ ok: false, code: 'scanner_unreachable' });
    await expect(scanner.probe(AbortSignal.abort(new Error('no')))).rejects.toThrow('no');
  });
});
