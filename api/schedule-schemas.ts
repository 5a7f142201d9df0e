import { z } from 'zod';
import { ITEM_ACTIONS } from '../domain/action.ts';
import { FINAL_STATES, LONGEST_ACTIONS_WINDOW, RUNNING_STATES } from '../domain/job.ts';
import { specFault } from '../domain/schedule/fault.ts';
import {
  BACKFILLS,
  EVERY_RANGE,
  LONGEST_JITTER,
  MANAGERS,
  OVERLAPS,
  RUN_OUTCOMES,
  RUN_REASONS,
  SCAN_MODES,
  SCHEDULE_ID,
  SCHEDULE_ID_TEXT,
  type ScheduleSpec,
} from '../domain/schedule/schedule.ts';
import { limitsSchema } from './limit-schemas.ts';
import type * as contract from './schedule-contract.ts';

const SHORT = 500;
const text = (max: number) => z.string().min(1).max(max);
const moment = text(40);
const calendar = z.strictObject({
  minute: text(200).optional(),
  hour: text(200).optional(),
  dayOfMonth: text(200).optional(),
  month: text(200).optional(),
  dayOfWeek: text(200).optional(),
  year: text(200).optional(),
});

const whenShape = {
  cron: z.union([text(200), z.array(text(200))]).optional(),
  every: z.int().min(1).max(EVERY_RANGE[1]).optional(),
  offset: z.int().nonnegative().optional(),
  calendars: z.array(calendar).optional(),
  timeZone: text(64).optional(),
  jitter: z.int().nonnegative().max(LONGEST_JITTER).optional(),
  startAt: moment.optional(),
  endAt: moment.optional(),
};

const scanShape = {
  filter: z.string().max(4_096).optional(),
  action: z.enum(ITEM_ACTIONS).optional(),
  quarantine: text(4_096).optional(),
  dryRun: z.boolean().optional(),
  maxSize: z.int().positive().optional(),
  scanner: text(100).optional(),
  maxActions: z.int().nonnegative().optional(),
  maxActionsWindow: z.int().positive().max(LONGEST_ACTIONS_WINDOW).optional(),
};

const bodyShape = {
  ...whenShape,
  ...scanShape,
  connector: text(200),
  mode: z.enum(SCAN_MODES).optional(),
  overlap: z.enum(OVERLAPS).optional(),
  weight: z.number().min(0.1).max(100).optional(),
  limits: limitsSchema.optional(),
};

/** The spec that a body asks for. */
export function specOf(body: contract.WhenBody): ScheduleSpec {
  const { cron, every, offset, calendars, timeZone, jitter, startAt, endAt } = body;
  return {
    ...(cron !== undefined && { cron: typeof cron === 'string' ? [cron] : cron }),
    ...(every !== undefined && { every }),
    ...(offset !== undefined && { offset }),
    ...(calendars !== undefined && { calendars }),
    ...(timeZone !== undefined && { timeZone }),
    ...(jitter !== undefined && { jitter }),
    ...(startAt !== undefined && { startAt }),
    ...(endAt !== undefined && { endAt }),
  };
}

function checkWhen(body: contract.WhenBody, context: z.RefinementCtx): void {
  const fault = specFault(specOf(body), Date.now());
  if (fault === undefined) return;
  const parts = (fault.field || 'cron').split('.');
  const path = typeof body.cron === 'string' ? parts.slice(0, 1) : parts;
  context.addIssue({ code: 'custom', path, message: fault.message });
}

export const scheduleParams = z.strictObject({ id: z.string() });
export const createScheduleBody = z
  .strictObject({
    id: z.string().regex(SCHEDULE_ID, SCHEDULE_ID_TEXT),
    ...bodyShape,
    paused: z.boolean().optional(),
    note: text(SHORT).optional(),
  })
  .superRefine(checkWhen) satisfies z.ZodType<contract.CreateScheduleBody>;
export const replaceScheduleBody = z
  .strictObject({ ...bodyShape, revision: z.int().positive().optional() })
  .superRefine(checkWhen) satisfies z.ZodType<contract.ReplaceScheduleBody>;
export const noteBody = z.strictObject({ note: text(SHORT).optional() });
export const backfillBody = z
  .strictObject({
    start: z.iso.datetime({ offset: true }),
    end: z.iso.datetime({ offset: true }),
    overlap: z.enum(BACKFILLS).optional(),
  })
  .refine(({ start, end }) => Date.parse(start) <= Date.parse(end), { path: ['end'], error: 'lies before start' })
  .refine(({ end }) => Date.parse(end) <= Date.now(), {
    path: ['end'],
    error: 'must lie in the past',
  }) satisfies z.ZodType<contract.BackfillBody>;

const count = z.int().nonnegative();
export const schedulePreview = z.object({ id: z.string(), when: z.string(), next: z.array(z.string()) });
export const scheduleResource = z.object({
  id: z.string(),
  connector: z.string(),
  mode: z.enum(SCAN_MODES),
  spec: z.object({ ...whenShape, cron: z.array(z.string()).optional() }),
  when: z.string(),
  overlap: z.enum(OVERLAPS),
  scan: z.object(scanShape),
  weight: z.number().optional(),
  limits: limitsSchema.optional(),
  managed: z.enum(MANAGERS),
  revision: z.int().positive(),
  createdBy: z.string(),
  createdAt: z.string(),
  updatedBy: z.string().optional(),
  updatedAt: z.string().optional(),
  paused: z.boolean(),
  note: z.string().optional(),
  next: z.array(z.string()),
  running: z.array(z.string()),
  counts: z.object({ runs: count, overlapped: count, missed: count }),
  links: z.object({ self: z.string(), runs: z.string() }),
}) satisfies z.ZodType<contract.ScheduleResource>;
export const scheduleList = z.object({ schedules: z.array(scheduleResource), next: z.string().optional() });
export const scheduleDeleted = z.object({ id: z.string(), deleted: z.literal(true) });
export const scheduleRuns = z.object({
  runs: z.array(
    z.object({
      run: z.string(),
      at: z.string(),
      startedAt: z.string(),
      endedAt: z.string().optional(),
      running: z.boolean(),
      outcome: z.enum(RUN_OUTCOMES),
      job: z.string().optional(),
      state: z.enum([...RUNNING_STATES, ...FINAL_STATES]).optional(),
      reason: z.enum(RUN_REASONS).optional(),
      detail: z.string().optional(),
    }),
  ),
  counts: z.record(z.enum(RUN_OUTCOMES), count),
}) satisfies z.ZodType<contract.ScheduleRuns>;
