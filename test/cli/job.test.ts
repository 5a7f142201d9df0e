import { EventEmitter } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApiClient } from '../../api/client.ts';
import { CliError, EXIT } from '../../cli/errors.ts';
import { exitCodeOf } from '../../cli/job/exit-code.ts';
import { createRates, figuresOf } from '../../cli/job/figures.ts';
import { loadFindings } from '../../cli/job/findings.ts';
import { listenForInterrupts } from '../../cli/job/interrupts.ts';
import { createJsonReporter } from '../../cli/job/json-reporter.ts';
import { summaryOf } from '../../cli/job/summary.ts';
import { followAndTell } from '../../cli/job/tell.ts';
import { createTextReporter } from '../../cli/job/text-reporter.ts';
import { noOutcomes, OUTCOMES } from '../../domain/outcome.ts';
import { type FakeApi, fakeApi } from './fake-api.ts';
import { actionRow, capturing, endedJob, findingRow, ROOT_HASH, runningJob } from './samples.ts';

describe('exit code', () => {
  const some = (name: 'malicious' | 'policy_blocked') => ({
    outcomes: { ...noOutcomes(), [name]: 1 },
    bytes: 0,
    standIn: 0,
  });
  const gaps = [{ class: 'failed', count: 1 } as const];
  it('is the first that applies of failed, cancelled, findings, gaps, ok', () => {
    expect(exitCodeOf(endedJob())).toBe(0);
    expect(exitCodeOf(endedJob({ state: 'completed_with_gaps', gaps }))).toBe(4);
    expect(exitCodeOf(endedJob({ counters: some('malicious') }))).toBe(3);
    expect(exitCodeOf(endedJob({ counters: some('policy_blocked'), state: 'completed_with_gaps', gaps }))).toBe(3);
    expect(exitCodeOf(endedJob({ counters: some('malicious'), state: 'cancelled', gaps }))).toBe(6);
    expect(exitCodeOf(endedJob({ counters: some('malicious'), state: 'failed', gaps }))).toBe(5);
  });
  it('is 0 only for a complete job without findings and gaps', () => {
    const state = fc.constantFrom(
      'completed',
      'completed_with_gaps',
      'cancelled',
      'failed',
    ) as fc.Arbitrary<'completed'>;
    fc.assert(
      fc.property(state, fc.nat(2), fc.nat(2), fc.boolean(), (s, malicious, policy_blocked, gap) => {
        const counters = { outcomes: { ...noOutcomes(), malicious, policy_blocked }, bytes: 0, standIn: 0 };
        const code = exitCodeOf({ state: s, counters, gaps: gap ? gaps : [] });
        expect(code === 0).toBe(s === 'completed' && malicious + policy_blocked === 0 && !gap);
      }),
    );
  });
});

describe('summary', () => {
  it('has exactly the fields that are promised, all eight outcomes among them', () => {
    const job = endedJob({ settings: { filter: '', action: 'move', dryRun: false, scanner: 'standin' } });
    const { destination: _, ...action } = actionRow(2, { state: 'failed', code: 'no_space', note: 'full' });
    const summary = summaryOf(job, [
      { row: findingRow(1), action: actionRow(1) },
      { row: findingRow(2), action },
    ]);
    expect(Object.keys(summary)).toEqual([
      'type',
      'job',
      'state',
      'standIn',
      'listed',
      'bytes',
      'seconds',
      'outcomes',
      'actions',
      'gaps',
      'findings',
      'ledger',
      'root',
    ]);
    expect(Object.keys(summary.outcomes)).toEqual([...OUTCOMES]);
    expect(summary).toMatchObject({ standIn: true, listed: 1000, bytes: 4_096_000, seconds: 10, root: ROOT_HASH });
    expect(summary.findings).toEqual([
      {
        item: '0-1:1',
        outcome: 'malicious',
        location: 'bad/file-1.exe',
        threat: 'EICARType',
        size: 68,
        sha256: 'cd'.repeat(32),
        standIn: false,
        action: { action: 'move', state: 'done', code: 'applied', destination: '/var/dsx/quarantine/q-1' },
      },
      {
        item: '0-1:2',
        outcome: 'malicious',
        location: 'bad/file-2.exe',
        threat: 'EICARType',
        size: 68,
        sha256: 'cd'.repeat(32),
        standIn: false,
        action: { action: 'move', state: 'failed', code: 'no_space', note: 'full' },
      },
    ]);
  });
  it('names at most 1000 findings', () => {
    const many = Array.from({ length: 1500 }, (_, n) => ({ row: findingRow(n) }));
    expect(summaryOf(endedJob(), many).findings).toHaveLength(1000);
  });
});

describe('figures', () => {
  const live = {
    counters: { outcomes: { ...noOutcomes(), clean: 700 }, bytes: 10, standIn: 0 },
    inFlight: 3,
    itemsPerSecond: 50,
    bytesPerSecond: 5,
  };
  it('never show more scanned than listed while a page is counted twice', () => {
    expect(figuresOf(runningJob({ live })).scanned).toBe(1000);
  });
  it('work out rates and the time left without live figures', () => {
    const rates = createRates();
    const at = (clean: number) =>
      runningJob({ counters: { outcomes: { ...noOutcomes(), clean }, bytes: clean * 10, standIn: 0 } });
    rates.add(at(100), 0);
    expect(rates.add(at(500), 4000)).toEqual({ itemsPerSecond: 100, bytesPerSecond: 1000, etaSeconds: 5 });
    expect(rates.add({ ...at(500), listingDone: false }, 4000).etaSeconds).toBeUndefined();
    expect(rates.add({ ...at(500), state: 'paused' }, 4000).etaSeconds).toBeUndefined();
    expect(rates.add(at(500), 60_000)).toEqual({ itemsPerSecond: 0, bytesPerSecond: 0, etaSeconds: undefined });
  });
});

describe('on a terminal', () => {
  it('the live lines are redrawn in place, keep to the width, and make way for the account', () => {
    const { output, out, err } = capturing(60);
    const reporter = createTextReporter(output);
    reporter.started('f-1', false);
    const source = { kind: 'folder', id: 'x', path: `/srv/${'very-long/'.repeat(20)}end\u202e` } as const;
    reporter.progress(runningJob({ source }));
    reporter.note('cancelling');
    reporter.progress(runningJob({ source, state: 'cancelling' }));
    reporter.account(endedJob({ state: 'cancelled' }), []);
    reporter.close();
    const lines = stripVTControlCharacters(err()).split('\n');
    expect(lines[0]).toBe('job f-1');
    expect(lines[1]).toMatch(/^\/srv\/very.*….*end\\u\{202e\}$/);
    expect(lines).toContain('cancelling');
    for (const line of lines) expect(line.length).toBeLessThan(60);
    expect(out()).toMatch(/^cancelled\n/);
  });
});

describe('with an API', () => {
  let api: FakeApi;
  let signals: EventEmitter;
  beforeEach(async () => {
    api = await fakeApi();
    signals = new EventEmitter();
  });
  afterEach(() => api.close());

  function start(how: 'json' | 'text' = 'json', giveUpMs?: number) {
    const captured = capturing();
    const reporter = how === 'json' ? createJsonReporter(captured.output) : createTextReporter(captured.output);
    const interrupts = listenForInterrupts(signals);
    const client = createApiClient({ origin: api.origin });
    const options = { client, job: 'f-1', reporter, interrupts, onInterrupt: 'cancel' as const };
    const told = followAndTell({ ...options, ...(giveUpMs !== undefined && { giveUpMs }) });
    const lines = (): Record<string, unknown>[] =>
      captured
        .out()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    return { told, lines, ...captured };
  }

  it('findings are joined with what was done about them, page by page', async () => {
    api.outcomes = [
      ...Array.from({ length: 1200 }, (_, n) => findingRow(n)),
      findingRow(5000, { outcome: 'policy_blocked' }),
      findingRow(6000, { outcome: 'clean' }),
    ];
    api.actions = Array.from({ length: 1200 }, (_, n) => actionRow(n));
    const client = createApiClient({ origin: api.origin });
    const all = await loadFindings(client, 'f-1', 10_000);
    expect(all).toHaveLength(1201);
    expect(all[1199]).toEqual({ row: findingRow(1199), action: actionRow(1199) });
    expect(all[1200]?.row.outcome).toBe('policy_blocked');
    expect(await loadFindings(client, 'f-1', 20)).toHaveLength(20);
  });

  it('a job is followed to its end, which the last line tells', async () => {
    const { told, lines } = start();
    await api.streamOpened(1);
    api.outcomes = [findingRow(1)];
    api.send({ type: 'finding', row: findingRow(1) });
    api.send({ type: 'finding', row: findingRow(1) });
    api.end({ counters: { outcomes: { ...noOutcomes(), clean: 999, malicious: 1 }, bytes: 5, standIn: 0 } });
    expect((await told).exit).toBe(EXIT.findings);
    expect(lines().map((line) => line.type)).toEqual(['progress', 'finding', 'summary']);
    expect(lines().at(-1)).toMatchObject({ state: 'completed', findings: [{ location: 'bad/file-1.exe' }] });
  });

  it('an API that goes away and comes back is no reason to fail', async () => {
    const { told, lines } = start();
    await api.streamOpened(1);
    api.cut();
    await api.streamOpened(2);
    api.end();
    expect((await told).exit).toBe(EXIT.ok);
    expect(lines().at(-1)).toMatchObject({ type: 'summary', state: 'completed' });
  });

  it('an API that stays away ends in exit code 5 and how to go on', async () => {
    const { told } = start('json', 300);
    await api.streamOpened(1);
    await api.close();
    const error = await told.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CliError);
    expect(error).toMatchObject({ code: 'api_lost', exit: EXIT.failed });
    expect(String(error)).toContain('dsx watch f-1');
    api = await fakeApi();
  });

  it('a job that is not known is a mistake of the user', async () => {
    api.job = runningJob({ job: 'another' });
    await expect(start().told).rejects.toMatchObject({ code: 'no_such_job', exit: EXIT.usage });
  });

  it('Ctrl-C cancels the job and tells its account', async () => {
    const { told, out, err } = start('text');
    await api.streamOpened(1);
    signals.emit('SIGINT');
    expect((await told).exit).toBe(EXIT.cancelled);
    expect(api.controls).toEqual([{ verb: 'cancel', reason: 'interrupted at the terminal' }]);
    expect(err()).toContain('press Ctrl-C again');
    expect(out()).toMatch(/^cancelled\n/);
  });

  it('a second Ctrl-C leaves the job to itself, and says how to go on', async () => {
    api.onCancel = () => undefined;
    const { told, out } = start('text');
    await api.streamOpened(1);
    signals.emit('SIGINT');
    signals.emit('SIGINT');
    const { ending, exit } = await told;
    expect(ending).toEqual({ kind: 'detached', cancelRequested: true });
    expect(exit).toBe(EXIT.cancelled);
    expect(out()).toContain('dsx watch f-1');
  });

  it('SIGTERM leaves the job running: that is no success, for nobody knows its end', async () => {
    const { told, lines } = start();
    await api.streamOpened(1);
    signals.emit('SIGTERM');
    expect((await told).exit).toBe(EXIT.failed);
    expect(api.controls).toEqual([]);
    expect(lines().at(-1)).toEqual({ type: 'detached', job: 'f-1', watch: 'dsx watch f-1' });
  });

  it('plain text tells progress at once when it is no terminal', async () => {
    const { told, out, err } = start('text');
    await api.streamOpened(1);
    api.end();
    await told;
    expect(err()).toMatch(/running: listed 1,000, scanned 400/);
    expect(out()).toMatch(/^complete\n/);
  });
});
