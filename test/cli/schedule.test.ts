import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScheduleResource } from '../../api/contract.ts';
import { create, edit, list, remove, show, steer, trigger } from '../../cli/commands/schedule.ts';
import { addScheduleOptions, type ScheduleOptions } from '../../cli/job/schedule-options.ts';
import { scheduleText } from '../../cli/render/schedules.ts';
import { plainStyle } from '../../cli/render/style.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { Plant } from '../support/plant.ts';
import { until } from '../support/stage.ts';
import { fakeStack, fakeStacks } from './fake-stacks.ts';
import { capturing } from './samples.ts';

let plant: Plant;
let api: RealApi;

beforeAll(async () => {
  plant = await Plant.start();
  const state = path.join(plant.home, 'state');
  mkdirSync(state, { recursive: true });
  writeFileSync(
    path.join(state, 'dsx-connect.yaml'),
    `connectors:\n  - { id: share, kind: filesystem, asset: ${plant.folder} }\n`,
  );
  api = await startRealApi(plant);
});
afterAll(async () => {
  await api.stop();
  await plant.stop();
});

function here(up = true) {
  const stacks = fakeStacks(api.origin);
  if (up) stacks.up = fakeStack(api.origin);
  return { ...capturing(), stacks, env: { DSX_HOME: plant.home } };
}

/** Options as they are written. */
function options(...args: string[]): ScheduleOptions & { connector?: string } {
  const command = addScheduleOptions(new Command().exitOverride().option('--connector <id>')).configureOutput({
    writeErr: () => undefined,
  });
  return command.parse(args, { from: 'user' }).opts();
}

const nightly = () =>
  options(
    ...['--connector', 'share', '--cron', '30 2 * * mon-fri', '--time-zone', 'Europe/Zurich', '--jitter', '10m'],
    ...['--scanner', 'standin', '--hours', 'Mon-Fri 22:00-06:00 Europe/Zurich', '--max-size', '1GiB'],
  );

async function shown(id: string): Promise<ScheduleResource & { runs: { runs: { outcome: string }[] } }> {
  const place = here();
  await show(id, { json: true, runs: 5 }, place);
  return JSON.parse(place.out());
}

describe('dsx schedule', () => {
  it('shows the next times in plain words before anything is made', async () => {
    const place = here();
    await create('nightly', { ...nightly(), startAt: '2027-03-25T12:00:00Z', dry: true }, place);
    expect(place.out().split('\n').slice(0, 4)).toEqual([
      'nightly would start scans by cron "30 2 * * mon-fri", Europe/Zurich; put off by up to 10m; from 2027-03-25T12:00:00Z; nothing was made',
      'next',
      '  2027-03-26 01:30:00Z Fri',
      '  2027-03-29 00:30:00Z Mon',
    ]);
    await expect(show('nightly', { runs: 5 }, here())).rejects.toMatchObject({ code: 'schedule_not_found', exit: 2 });
  });

  it('makes, changes, pauses and deletes one', async () => {
    await create('nightly', { ...nightly(), note: 'for the audit' }, here());
    expect(await shown('nightly')).toMatchObject({
      spec: { cron: ['30 2 * * mon-fri'], timeZone: 'Europe/Zurich', jitter: 600 },
      scan: { scanner: 'standin', maxSize: 2 ** 30 },
      limits: { hours: { timeZone: 'Europe/Zurich' } },
      note: 'for the audit',
      revision: 1,
    });
    await edit(
      'nightly',
      options('--every', '6h', '--jitter', 'none', '--items', '5', '--overlap', 'buffer_one'),
      here(),
    );
    const changed = await shown('nightly');
    expect(changed).toMatchObject({
      revision: 2,
      overlap: 'buffer_one',
      scan: { scanner: 'standin', maxSize: 2 ** 30 },
    });
    expect(changed.spec).toEqual({ every: 21_600, timeZone: 'Europe/Zurich' });
    expect(changed.limits).toMatchObject({ itemsInFlight: 5, hours: { timeZone: 'Europe/Zurich' } });
    const paused = here();
    await steer('pause', 'nightly', { note: 'holidays' }, paused);
    expect(paused.out()).toContain('nightly  share  every 6h  paused: holidays');
    await until(async () => {
      const all = here();
      await list({ json: true }, all);
      return all.out().includes('"id":"nightly"');
    });
    const gone = here();
    await remove('nightly', {}, gone);
    expect(gone.out()).toContain('schedule nightly is deleted');
  });

  it('says what is wrong, and with no stack up what to do', async () => {
    const wrong = { ...nightly(), cron: ['30 2 * * moo'] };
    await expect(create('bad', wrong, here())).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining('day of week: "moo" does not fit; it takes 0 to 7 or sun to sat'),
    });
    expect(() => options('--every', 'often')).toThrow(/A length of time/);
    await expect(list({}, here(false))).rejects.toMatchObject({ code: 'no_stack', exit: 5 });
  });

  it('triggers a run, and shows what became of it', async () => {
    await plant.worker();
    await create('now', nightly(), here());
    await edit('now', options('--hours', 'none'), here());
    const begun = here();
    await trigger('now', {}, begun);
    expect(begun.out()).toContain('a run of now was begun');
    await until(async () => (await shown('now')).runs.runs.some(({ outcome }) => outcome === 'started'));
    const place = here();
    await until(async () => {
      await show('now', { runs: 5 }, place);
      return /started, completed/.test(place.out());
    });
    expect(place.out()).toMatch(/runs {8}1 started\n {2}\S+ \S+Z {2}started, completed(_with_gaps)? {2}job-/);
  }, 60_000);
});

it('the text of a schedule names what was skipped and why, and nothing in it steers a terminal', () => {
  const schedule: ScheduleResource = {
    id: 'often',
    connector: 'share',
    mode: 'full',
    spec: { every: 60 },
    when: 'every 1m',
    overlap: 'skip',
    scan: { filter: 'a\u001b[31m' },
    managed: 'file',
    revision: 2,
    createdBy: 'dsx-connect.yaml',
    createdAt: '2026-11-23T08:00:00.000Z',
    paused: false,
    next: ['2026-11-23T09:00:00.000Z'],
    running: [],
    counts: { runs: 2, overlapped: 3, missed: 1 },
    links: { self: '', runs: '' },
  };
  const at = '2026-11-23T08:00:00.000Z';
  const skipped = {
    run: 'r',
    at,
    startedAt: at,
    running: false,
    outcome: 'skipped',
    job: 'job-1',
    detail: 'other settings',
  } as const;
  const counts = { waiting: 0, started: 1, joined: 0, skipped: 1, failed: 0 };
  const text = scheduleText(schedule, { runs: [skipped], counts }, plainStyle());
  expect(text).toContain('runs        1 started, 1 skipped; 3 times left out during a run; 1 time missed');
  expect(text).toContain('  2026-11-23 08:00Z  skipped  job-1: other settings');
  expect(text).toContain('kept in dsx-connect.yaml');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is tested.
  expect(text).not.toMatch(/\u001b/);
});
