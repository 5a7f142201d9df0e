import { z } from 'zod';
import { knowsTimeZone } from '../domain/hours.ts';
import { HoursTextError, parseHours } from '../domain/hours-text.ts';
import { LONGEST_ACTIONS_WINDOW } from '../domain/job.ts';
import { type Hours, limitsFault } from '../domain/limits.ts';
import { specFault } from '../domain/schedule/fault.ts';
import {
  EVERY_RANGE,
  LONGEST_JITTER,
  OVERLAPS,
  planOf,
  SCAN_MODES,
  SCHEDULE_ID,
  SCHEDULE_ID_TEXT,
  type ScanChoice,
  type SchedulePlan,
  type ScheduleSpec,
} from '../domain/schedule/schedule.ts';
import { action, filter } from './connectors/common.ts';
import { bytes, duration, integer, onOff } from './fields.ts';

const asFields = { error: 'must be a set of fields, each with a colon' };
const text = z.string({ error: 'must be text; put quotes around it' }).min(1, { error: 'must be text' });
const seconds = (max: number, most: string) => duration(max, `must be a length of time up to ${most}, as 6h or 30m`);
const oneOf = <const T extends readonly string[]>(words: T) =>
  z.enum(words, { error: `must be one of ${words.join(', ')}` });

const hours = text.transform((input, context): Hours => {
  try {
    const parsed = parseHours(input);
    if (knowsTimeZone(parsed.timeZone)) return parsed;
    context.addIssue({
      code: 'custom',
      message: `there is no time zone ${parsed.timeZone}; name one as Europe/Zurich`,
    });
  } catch (error) {
    if (!(error instanceof HoursTextError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
  return z.NEVER;
});

const limitsShape = {
  itemsInFlight: integer(1, 100_000).optional(),
  bytesPerSecond: bytes.optional(),
  requestsPerSecond: integer(1, 1_000_000).optional(),
  hours: hours.optional(),
};
const cronList = z.union([text, z.array(text)], {
  error: 'must be a cron expression in quotes, as "30 2 * * mon-fri"',
});
/** A number that was written without quotes is one too. */
const cronField = z.union([z.string(), z.number()], { error: 'must be a field as of cron' }).transform(String);
const calendarShape = {
  minute: cronField.optional(),
  hour: cronField.optional(),
  dayOfMonth: cronField.optional(),
  month: cronField.optional(),
  dayOfWeek: cronField.optional(),
  year: cronField.optional(),
};
const whenShape = {
  cron: cronList.transform((input) => (typeof input === 'string' ? [input] : input)).optional(),
  every: seconds(EVERY_RANGE[1], '366d').optional(),
  offset: seconds(EVERY_RANGE[1], '366d').optional(),
  calendars: z.array(z.strictObject(calendarShape, asFields)).optional(),
  timeZone: text.optional(),
  jitter: seconds(LONGEST_JITTER, '1d').optional(),
  startAt: text.optional(),
  endAt: text.optional(),
};
const scanShape = {
  filter: filter.optional(),
  action: action.optional(),
  quarantine: text.optional(),
  dryRun: onOff.optional(),
  maxSize: bytes.optional(),
  scanner: text.optional(),
  maxActions: integer(0, 1_000_000_000).optional(),
  maxActionsWindow: seconds(LONGEST_ACTIONS_WINDOW, '31d').optional(),
};
const shape = {
  id: text.regex(SCHEDULE_ID, { error: SCHEDULE_ID_TEXT }),
  connector: text,
  ...whenShape,
  ...scanShape,
  mode: oneOf(SCAN_MODES).optional(),
  overlap: oneOf(OVERLAPS).optional(),
  weight: z.number({ error: 'must be a number from 0.1 to 100' }).min(0.1).max(100).optional(),
  limits: z.strictObject(limitsShape, asFields).optional(),
};

/** The fields that there are at a place inside of a schedule. */
export function scheduleFieldsAt(inside: readonly PropertyKey[]): readonly string[] {
  if (inside[0] === 'limits') return Object.keys(limitsShape);
  return Object.keys(inside[0] === 'calendars' ? calendarShape : shape);
}

/** One entry of `schedules:` in the file. */
export const scheduleSchema = z
  .strictObject(shape, asFields)
  .superRefine((fields, context) => {
    const refuse = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
    const fault = specFault(picked(fields, whenShape), Date.now());
    if (fault !== undefined) refuse(fault.field === '' ? [] : fault.field.split('.').slice(0, 1), fault.message);
    const bad = fields.limits === undefined ? undefined : limitsFault(picked(fields.limits, limitsShape));
    if (bad !== undefined) refuse(['limits', ...bad.field.split('.').slice(0, 1)], bad.message);
  })
  .transform((fields): SchedulePlan => {
    const { id, connector, mode = 'full', overlap = 'skip', weight, limits } = fields;
    return planOf({
      id,
      connector,
      mode,
      overlap,
      spec: picked<ScheduleSpec>(fields, whenShape),
      scan: picked<ScanChoice>(fields, scanShape),
      ...(weight !== undefined && { weight }),
      ...(limits !== undefined && { limits: picked(limits, limitsShape) }),
    });
  });

/** The fields of a shape that are there. */
function picked<T extends object>(fields: object, from: object): T {
  return Object.fromEntries(
    Object.entries(fields).filter(([field, value]) => Object.hasOwn(from, field) && value !== undefined),
  ) as T;
}
