import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadConfigFile } from '../../config/file.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'dsx-schedules-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function load(schedules: string) {
  const file = path.join(home, 'dsx-connect.yaml');
  const connector = 'connectors:\n  - id: invoices\n    kind: filesystem\n    asset: /srv/invoices\n';
  writeFileSync(file, `${connector}schedules:\n${schedules}`);
  const { config, problems } = loadConfigFile(file, {}, () => false);
  return {
    schedules: config.schedules,
    problems: problems.map(({ line, field, text }) => `${line} ${field}: ${text}`),
  };
}

it('schedules are read whole', () => {
  const { schedules, problems } = load(`
  - id: nightly
    connector: invoices
    cron: "30 2 * * mon-fri"
    timeZone: Europe/Zurich
    jitter: 10m
    startAt: 2027-01-01T00:00:00Z
    overlap: buffer_one
    mode: incremental
    filter: "*.pdf"
    action: tag
    scanner: dsxa
    maxSize: 1 MiB
    maxActions: 5
    maxActionsWindow: 1h
    weight: 0.5
    limits:
      itemsInFlight: 10
      bytesPerSecond: 10 MiB
      hours: Mon-Fri 22:00-06:00 Europe/Zurich
  - id: often
    connector: invoices
    every: 6h
    offset: 30m
  - id: dates
    connector: invoices
    calendars: [{ hour: 3, dayOfMonth: "1,15", dayOfWeek: mon-fri }]
`);
  expect(problems).toEqual([]);
  expect(schedules).toEqual([
    {
      id: 'nightly',
      connector: 'invoices',
      mode: 'incremental',
      overlap: 'buffer_one',
      spec: { cron: ['30 2 * * mon-fri'], timeZone: 'Europe/Zurich', jitter: 600, startAt: '2027-01-01T00:00:00Z' },
      scan: {
        filter: '*.pdf',
        action: 'tag',
        maxSize: 2 ** 20,
        scanner: 'dsxa',
        maxActions: 5,
        maxActionsWindow: 3600,
      },
      weight: 0.5,
      limits: {
        itemsInFlight: 10,
        bytesPerSecond: 10 * 2 ** 20,
        hours: {
          timeZone: 'Europe/Zurich',
          spans: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '22:00', to: '06:00' }],
        },
      },
    },
    {
      id: 'often',
      connector: 'invoices',
      mode: 'full',
      overlap: 'skip',
      spec: { every: 21_600, offset: 1800 },
      scan: {},
    },
    {
      id: 'dates',
      connector: 'invoices',
      mode: 'full',
      overlap: 'skip',
      spec: { calendars: [{ hour: '3', dayOfMonth: '1,15', dayOfWeek: 'mon-fri' }] },
      scan: {},
    },
  ]);
});

it('what is wrong is told with its line and what to write', () => {
  const told = (schedules: string) => load(schedules).problems;
  const good = '  - id: a\n    connector: invoices\n    every: 6h\n';
  expect(told('  - id: a\n    connector: invoces\n    every: 6h\n')).toEqual([
    '7 schedules[0].connector: invoces is no connector; did you mean invoices?',
  ]);
  expect(told(good + good)).toEqual([
    '9 schedules[1].id: a is already the id of the schedule in line 6; choose another',
  ]);
  expect(told('  - id: a\n    connector: invoices\n    cron: "61 * * * *"\n')[0]).toMatch(
    /^8 schedules\[0\]\.cron: minute: "61" does not fit; it takes 0 to 59/,
  );
  expect(told(`${good}    timeZone: Europe/Zurch\n`)[0]).toMatch(
    /^9 schedules\[0\]\.timeZone: there is no time zone "Europe\/Zurch"/,
  );
  expect(told(`${good}    jiter: 1m\n`)).toEqual(['9 schedules[0].jiter: is not a field; did you mean jitter?']);
  expect(told(`${good}    limits:\n      itemInFlight: 5\n`)).toEqual([
    '10 schedules[0].limits.itemInFlight: is not a field; did you mean itemsInFlight?',
  ]);
  expect(told(`${good}    limits:\n      hours: sometimes\n`)[0]).toMatch(
    /^10 schedules\[0\]\.limits\.hours: the time zone is missing/,
  );
  expect(told(`${good}    overlap: allow\n`)).toEqual(['9 schedules[0].overlap: must be one of skip, buffer_one']);
  expect(told('  - id: a\n    connector: invoices\n')).toEqual([
    '6 schedules[0]: say when: by cron, by every or by calendars',
  ]);
});
