import { Client, Connection } from '@temporalio/client';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScheduleSpec } from '../../domain/schedule/schedule.ts';
import { nextTimes } from '../../domain/schedule/times.ts';
import { temporalSpec } from '../../schedules/temporal-spec.ts';
import { startTemporal, type TemporalServer } from '../support/temporal.ts';

let temporal: TemporalServer;
let client: Client;
let made = 0;

beforeAll(async () => {
  temporal = await startTemporal();
  client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
});
afterAll(async () => {
  await client.connection.close();
  await temporal.stop('SIGKILL');
});

/** The times of a spec from one moment to another, as the server finds them. */
async function byTemporal(spec: ScheduleSpec, from: string, to: string): Promise<string[]> {
  const scheduleId = `times-${++made}`;
  const schedule = await client.schedule.create({
    scheduleId,
    spec: temporalSpec(spec),
    action: { type: 'startWorkflow', workflowType: 'none', taskQueue: 'none', args: [] },
    state: { paused: true },
  });
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    namespace: 'default',
    scheduleId,
    startTime: stamp(from),
    endTime: stamp(to),
  });
  await schedule.delete();
  return (startTime ?? []).map(({ seconds }) => new Date(Number(seconds) * 1000).toISOString());
}

function stamp(at: string) {
  return { seconds: Math.floor(Date.parse(at) / 1000) as never, nanos: 0 };
}

/** The same by our own rules; the server leaves out the first moment and takes in the last. */
function byRules(spec: ScheduleSpec, from: string, to: string): string[] {
  const endAt = Math.min(Date.parse(to), spec.endAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(spec.endAt));
  const times = nextTimes({ ...spec, endAt: new Date(endAt).toISOString() }, Date.parse(from), 10_000);
  return times.map((time) => new Date(time).toISOString());
}

async function agreed(spec: ScheduleSpec, from: string, to: string): Promise<string[]> {
  const times = byRules(spec, from, to);
  expect(times, JSON.stringify(spec)).toEqual(await byTemporal(spec, from, to));
  return times;
}

describe('the times of a schedule, by our rules and by Temporal', () => {
  const zurich = { timeZone: 'Europe/Zurich' };

  it('a time that the clock skips does not come', async () => {
    const nights = { cron: ['30 2 * * *'], ...zurich };
    expect(await agreed(nights, '2027-03-27T00:00:00Z', '2027-03-30T00:00:00Z')).toEqual([
      '2027-03-27T01:30:00.000Z',
      '2027-03-29T00:30:00.000Z',
    ]);
  });

  it('a time that the clock shows twice comes once ahead of UTC, and twice behind it', async () => {
    const nights = { cron: ['30 2 * * *'], ...zurich };
    expect(await agreed(nights, '2027-10-30T00:00:00Z', '2027-11-01T12:00:00Z')).toEqual([
      '2027-10-30T00:30:00.000Z',
      '2027-10-31T01:30:00.000Z',
      '2027-11-01T01:30:00.000Z',
    ]);
    await agreed(
      { cron: ['30 1 * * *'], timeZone: 'America/New_York' },
      '2027-11-06T00:00:00Z',
      '2027-11-09T00:00:00Z',
    );
  });

  it('several times an hour: the server leaves some out around the hour that comes twice, and that alone', async () => {
    const often = { cron: ['*/20 * * * *'], ...zurich };
    await agreed(often, '2027-03-27T20:00:00Z', '2027-03-28T06:00:00Z');
    await agreed(often, '2027-10-30T12:00:00Z', '2027-10-30T23:50:00Z');
    await agreed(often, '2027-10-31T03:00:00Z', '2027-10-31T12:00:00Z');
    const doubtful = await byTemporal(often, '2027-10-30T23:50:00Z', '2027-10-31T03:00:00Z');
    expect(doubtful.length).toBeLessThan(9);
  });

  it('either day counts where a cron expression names both, as in crontab(5)', async () => {
    const times = await agreed({ cron: ['0 3 13 * fri'] }, '2027-08-01T00:00:00Z', '2027-08-31T00:00:00Z');
    expect(times.map((time) => time.slice(8, 10))).toEqual(['06', '13', '20', '27']);
    const both = { calendars: [{ hour: '3', dayOfMonth: '13', dayOfWeek: 'fri' }] };
    expect(await agreed(both, '2027-08-01T00:00:00Z', '2027-08-31T00:00:00Z')).toEqual(['2027-08-13T03:00:00.000Z']);
  });

  it('intervals, their offset, and both ends', async () => {
    const hours = { every: 6 * 3600, offset: 1800, startAt: '2027-01-01T06:30:00Z', endAt: '2027-01-02T00:30:00Z' };
    expect(await agreed(hours, '2026-12-31T00:00:00Z', '2027-01-05T00:00:00Z')).toEqual([
      '2027-01-01T06:30:00.000Z',
      '2027-01-01T12:30:00.000Z',
      '2027-01-01T18:30:00.000Z',
      '2027-01-02T00:30:00.000Z',
    ]);
  });

  it('whatever the expression and the zone', async () => {
    const zones = [
      'UTC',
      'Europe/Zurich',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'America/Sao_Paulo',
    ];
    const field = (most: number, least = 0) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: least, max: most }).map(String),
        fc
          .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
          .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
        fc.integer({ min: 2, max: most - least }).map((step) => `*/${step}`),
      );
    const cron = fc
      .tuple(fc.integer({ min: 0, max: 59 }), field(23), field(28, 1), field(12, 1), field(6))
      .map((parts) => parts.join(' '));
    await fc.assert(
      fc.asyncProperty(
        cron,
        fc.constantFrom(...zones),
        fc.constantFrom('2027-03', '2027-10', '2027-04', '2028-02'),
        async (text, timeZone, month) => {
          await agreed({ cron: [text], timeZone }, `${month}-10T00:00:00Z`, `${month}-28T23:59:00Z`);
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  }, 60_000);
});
