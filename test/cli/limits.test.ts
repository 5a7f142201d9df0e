import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { control } from '../../cli/commands/control.ts';
import { listJobs } from '../../cli/commands/jobs.ts';
import { limits } from '../../cli/commands/limits.ts';
import { EXIT } from '../../cli/errors.ts';
import { listenForInterrupts } from '../../cli/job/interrupts.ts';
import { addLimitOptions, type LimitOptions, limitsChange } from '../../cli/job/limit-options.ts';
import { progressLine, progressLines, stateText } from '../../cli/render/progress.ts';
import { plainStyle } from '../../cli/render/style.ts';
import { type FakeApi, fakeApi } from './fake-api.ts';
import { type FakeStacks, fakeStack, fakeStacks } from './fake-stacks.ts';
import { capturing, endedJob, runningJob } from './samples.ts';

let api: FakeApi;
let stacks: FakeStacks;
let home: string;
beforeEach(async () => {
  api = await fakeApi();
  stacks = fakeStacks(api.origin);
  stacks.up = fakeStack(api.origin);
  home = await mkdtemp(join(tmpdir(), 'dsx-limits-test-'));
});
afterEach(async () => {
  await api.close();
  await rm(home, { recursive: true, force: true });
});

function here() {
  const interrupts = listenForInterrupts(new EventEmitter());
  return { ...capturing(), stacks, env: { DSX_HOME: home }, cwd: home, interrupts };
}

const HOURS = { timeZone: 'Europe/Zurich', spans: [{ days: ['mon' as const], from: '22:00', to: '06:00' }] };
const SET = { by: 'ann', since: '2026-11-23T09:00:00.000Z' };

describe('dsx limits', () => {
  it('shows the limits, or that there are none', async () => {
    const none = here();
    expect(await limits('f-1', {}, none)).toBe(EXIT.ok);
    expect(none.out()).toBe('job f-1: running\nlimits: none\n');
    api.job = runningJob({
      idle: { why: 'outside_hours', until: '2026-11-23T21:00:00.000Z' },
      limits: {
        itemsInFlight: 50,
        bytesPerSecond: 10 * 2 ** 20,
        requestsPerSecond: 20,
        hours: HOURS,
        reason: 'a\nb',
        ...SET,
      },
    });
    const shown = here();
    expect(await limits('f-1', {}, shown)).toBe(EXIT.ok);
    expect(shown.out()).toBe(
      'job f-1: outside its hours until 2026-11-23 21:00Z\n' +
        'limits: 50 in flight, 10 MiB/s, 20 requests/s; Mon 22:00-06:00 Europe/Zurich (set by ann, 2026-11-23 09:00Z: a\\nb)\n',
    );
    expect(api.controls).toEqual([]);
  });

  it('changes what is named and leaves the rest; none takes away', async () => {
    const first = here();
    expect(await limits('f-1', { items: 2, hours: HOURS, reason: 'backup' }, first)).toBe(EXIT.ok);
    expect(first.out()).toContain('limits: 2 in flight; Mon 22:00-06:00 Europe/Zurich (set by local');
    const second = here();
    await limits('f-1', { items: 'none', json: true }, second);
    expect(JSON.parse(second.out())).toMatchObject({ job: 'f-1', state: 'running', limits: { hours: HOURS } });
    expect(api.controls).toEqual([
      { verb: 'limits', reason: 'backup', itemsInFlight: 2, hours: HOURS },
      { verb: 'limits', itemsInFlight: null },
    ]);
  });

  it('says what is wrong', async () => {
    const usage = { exit: EXIT.usage };
    await expect(limits('f-9', { items: 1 }, here())).rejects.toMatchObject({ code: 'no_such_job', ...usage });
    await expect(limits('f-9', {}, here())).rejects.toMatchObject({ code: 'no_such_job', ...usage });
    await expect(limits('f-1', { reason: 'x' }, here())).rejects.toMatchObject({ code: 'no_limit', ...usage });
    api.job = endedJob();
    await expect(limits('f-1', { items: 1 }, here())).rejects.toMatchObject({ code: 'job_ended', ...usage });
    await expect(limits('f-1', {}, here())).rejects.toMatchObject({ code: 'job_ended', ...usage });
    stacks.up = undefined;
    await expect(limits('f-1', {}, here())).rejects.toMatchObject({ code: 'no_stack', exit: EXIT.failed });
  });
});

describe('the options of limits', () => {
  function parse(...args: string[]) {
    const command = addLimitOptions(new Command('x'))
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    command.parse(args, { from: 'user' });
    return limitsChange(command.opts<LimitOptions>());
  }
  it('are read with units, none and hours', () => {
    expect(parse()).toBeUndefined();
    expect(
      parse('--items', '8', '--bytes', '10MiB', '--requests', '20', '--hours', 'Mon 22:00-6:00 Europe/Zurich'),
    ).toEqual({
      itemsInFlight: 8,
      bytesPerSecond: 10 * 2 ** 20,
      requestsPerSecond: 20,
      hours: HOURS,
    });
    expect(parse('--items', 'none', '--bytes', 'NONE', '--requests', 'none', '--hours', 'none')).toEqual({
      itemsInFlight: null,
      bytesPerSecond: null,
      requestsPerSecond: null,
      hours: null,
    });
    expect(parse('--bytes', '1.5 GiB/s')).toEqual({ bytesPerSecond: 1.5 * 2 ** 30 });
  });
  it.each([
    ['--items', '0', 'from 1'],
    ['--items', '', 'from 1'],
    ['--items', '2.5', 'from 1'],
    ['--bytes', '10 potatoes', 'as 10MiB'],
    ['--bytes', '100', 'from 1024'],
    ['--requests', '-1', 'from 1'],
    ['--hours', 'Mon 22:00-06:00', 'time zone is missing'],
    ['--hours', 'Mon 22:00-06:00 Mars/Base', 'no time zone Mars/Base'],
    ['--hours', 'Mon 22-06 UTC', 'days and times'],
  ])('%s %j is refused with a word', (option, text, word) => {
    expect(() => parse(`${option}=${text}`)).toThrow(CommanderError);
    expect(() => parse(`${option}=${text}`)).toThrow(word);
  });
});

describe('limits and idleness', () => {
  const rates = { itemsPerSecond: 1, bytesPerSecond: 1, etaSeconds: undefined };
  const job = runningJob({
    idle: { why: 'outside_hours', until: '2026-11-23T21:00:00.000Z' },
    limits: { itemsInFlight: 5, ...SET },
  });
  it('are shown while it is watched, always on as many lines', () => {
    const now = new Date('2026-11-23T10:00:00.000Z');
    const lines = progressLines(job, rates, plainStyle(120), now);
    expect(lines).toHaveLength(progressLines(runningJob(), rates, plainStyle(120), now).length);
    expect(lines.join('\n')).toContain('outside its hours until 2026-11-23 21:00Z');
    expect(lines.join('\n')).toContain('limited to 5 in flight');
    expect(progressLine(job, rates, now)).toContain('limited to 5 in flight');
    for (const line of progressLines(job, rates, plainStyle(30), now)) expect(line.length).toBeLessThan(30);
  });
  it('are told in words', () => {
    expect(stateText({ state: 'running', idle: { why: 'waiting_for_worker', reason: 'start one' } })).toBe(
      'waiting for a worker: start one',
    );
    expect(stateText({ state: 'held', idle: { why: 'held', reason: 'scanner_auth: refused' } })).toBe(
      'held: scanner_auth: refused',
    );
  });
  it('are in the list of jobs', async () => {
    api.job = job;
    const text = here();
    await listJobs({ limit: 5 }, text);
    expect(text.out()).toContain('outside its hours');
    expect(text.out()).toContain('  until 2026-11-23 21:00Z\n  limited to 5 in flight');
    const json = here();
    await listJobs({ limit: 5, json: true }, json);
    expect(JSON.parse(json.out())).toMatchObject({ limits: { itemsInFlight: 5 }, idle: { why: 'outside_hours' } });
  });
});

it('dsx cancel says what was done when nothing more is scanned', async () => {
  const captured = here();
  expect(await control('cancel', 'f-1', {}, captured)).toBe(EXIT.ok);
  expect(captured.err()).toContain('400 of 1,000 items');
});
