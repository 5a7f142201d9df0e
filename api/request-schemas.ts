import { z } from 'zod';
import { ACTION_STATES, ITEM_ACTIONS } from '../domain/action.ts';
import { MAX_REASON } from '../domain/allow.ts';
import { parseSpans } from '../domain/approval.ts';
import { LONGEST_RESCAN_AFTER } from '../domain/incremental.ts';
import { FINAL_STATES, JOB_KINDS, LONGEST_ACTIONS_WINDOW, RUNNING_STATES } from '../domain/job.ts';
import { LIMIT_NAMES } from '../domain/limits.ts';
import { OUTCOMES } from '../domain/outcome.ts';
import { RETRIABLE } from '../domain/retry.ts';
import { parseAnswerToken } from '../ledger/answers.ts';
import type * as contract from './contract.ts';
import { ACTION_FIELDS, fieldsQuery, ROW_FIELDS } from './fields.ts';
import { parsePlace } from './job-place.ts';
import { checkLimits, limitsChangeShape, limitsSchema } from './limit-schemas.ts';

/** Most rows or jobs of one answer, and how many without a `limit`. */
export const MAX_LIMIT = 1_000;
export const DEFAULT_LIMIT = 100;
/** Longest filter, prefix and path, in characters; longest `reason` of a control. */
const LONG = 4_096;
const SHORT = 500;
/** Most items that one request may name. */
export const MAX_ITEMS = 1_000;
/** Longest wait for the outcomes of a request, in seconds. */
export const MAX_WAIT_SECONDS = 300;

const text = (max: number) => z.string().min(1).max(max);
const JOB_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export const jobParams = z.strictObject({ job: z.string() });
export const connectorParams = z.strictObject({ id: z.string() });
/** What can't be the id of a job is not looked for: it is `job_not_found`. */
export const isJobId = (job: string): boolean => JOB_ID.test(job);

export const limit = z
  .string()
  .regex(/^([1-9]\d{0,2}|1000)$/, `must be a whole number from 1 to ${MAX_LIMIT}`)
  .transform(Number)
  .default(DEFAULT_LIMIT);

/** Some of these words, with commas. */
function someOf<Word extends string>(words: readonly Word[]) {
  const one = `(?:${words.join('|')})`;
  return z
    .string()
    .regex(new RegExp(`^${one}(?:,${one})*$`), `must be some of ${words.join(',')}`)
    .transform((given) => given.split(',') as Word[]);
}

/** Lists in the order of their ids. */
export const listQuery = z.strictObject({ limit, after: text(200).optional() });
export const jobsQuery = z.strictObject({
  limit,
  after: z
    .string()
    .refine((after) => parsePlace(after) !== undefined, 'must be the next of a page before')
    .optional(),
  source: text(200).optional(),
  state: someOf([...RUNNING_STATES, ...FINAL_STATES]).optional(),
  kind: someOf(JOB_KINDS).optional(),
});
export const outcomesQuery = z.strictObject({
  outcome: z.enum(OUTCOMES).optional(),
  prefix: text(LONG).optional(),
  reason: text(100).optional(),
  fields: fieldsQuery(ROW_FIELDS),
  limit,
  after: text(1_000).optional(),
});
export const actionsQuery = z.strictObject({
  state: z.enum(ACTION_STATES).optional(),
  fields: fieldsQuery(ACTION_FIELDS),
  limit,
  after: text(1_000).optional(),
});
export const scannerQuery = z.strictObject({ scanner: text(100).optional() });

const brake = {
  maxActions: z.int().nonnegative().optional(),
  maxActionsWindow: z.int().positive().max(LONGEST_ACTIONS_WINDOW).optional(),
};
export const sourceParams = z.strictObject({ source: z.string() });
export const approvalsQuery = z.strictObject({
  limit,
  after: z
    .string()
    .regex(/^\d{1,12}$/, 'must be a sequence number')
    .transform(Number)
    .optional(),
});
export const decideBody = z.strictObject({
  through: z.int().positive(),
  list: z.string().regex(/^[0-9a-f]{16}$/, 'must be the hash of the list, 16 hex digits'),
  only: text(LONG)
    .refine((value) => parseSpans(value) !== undefined, 'must be sequence numbers, as 1,2,5-7')
    .optional(),
  reason: text(SHORT).optional(),
}) satisfies z.ZodType<contract.DecideBody>;
export const applyBody = z.strictObject({
  findings: z.array(text(300)).min(1).max(MAX_ITEMS).optional(),
  dryRun: z.boolean().optional(),
  ...brake,
}) satisfies z.ZodType<contract.ApplyBody>;
export const restoreBody = z.strictObject({
  findings: z.array(text(300)).min(1).max(MAX_ITEMS).optional(),
  reason: text(SHORT).optional(),
}) satisfies z.ZodType<contract.RestoreBody>;
export const quarantineQuery = z.strictObject({
  source: text(200).optional(),
  limit,
  after: text(1_000).optional(),
});
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256: 64 lower-case hex digits');
export const allowedQuery = z.strictObject({ limit, after: sha256.optional() });
export const allowBody = z.strictObject({
  sha256,
  reason: text(MAX_REASON),
  revoke: z.boolean().optional(),
}) satisfies z.ZodType<contract.AllowBody>;

const action = z.enum(ITEM_ACTIONS);
const actionBody = z.strictObject({ action: action.optional() });
export const startJobBody = z.strictObject({
  connector: text(200).optional(),
  folder: text(LONG).optional(),
  filter: z.string().max(LONG).optional(),
  action: action.optional(),
  quarantine: text(LONG).optional(),
  dryRun: z.boolean().optional(),
  maxSize: z.int().positive().optional(),
  weight: z.number().min(0.1).max(100).optional(),
  scanner: text(100).optional(),
  limits: limitsSchema.optional(),
  ...brake,
  incremental: z.boolean().optional(),
  rescanAfter: z.int().positive().max(LONGEST_RESCAN_AFTER).optional(),
}) satisfies z.ZodType<contract.StartJobBody>;
export const retryJobBody = z.strictObject({
  outcomes: z.array(z.enum(RETRIABLE)).min(1).max(10).optional(),
  all: z.boolean().optional(),
  classes: z.array(text(100)).min(1).max(100).optional(),
  prefix: text(LONG).optional(),
  action: action.optional(),
  quarantine: text(LONG).optional(),
  dryRun: z.boolean().optional(),
  scanner: text(100).optional(),
});
export const controlBody = z.strictObject({ reason: text(SHORT).optional() }) satisfies z.ZodType<contract.ControlBody>;
export const limitsBody = z
  .strictObject({ ...limitsChangeShape, reason: text(SHORT).optional() })
  .superRefine(checkLimits)
  .refine((body) => LIMIT_NAMES.some((name) => body[name] !== undefined), {
    error: `name at least one limit: ${LIMIT_NAMES.join(', ')}`,
  }) satisfies z.ZodType<contract.LimitsBody>;
export const checkBody = actionBody satisfies z.ZodType<contract.CheckBody>;
const folder = text(LONG);
export const folderCheckBody = actionBody.extend({ folder }) satisfies z.ZodType<contract.FolderCheckBody>;

/** Bytes in a query. */
const bytesQuery = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'must be a whole number of bytes above 0')
  .transform(Number)
  .optional();
const filter = z.string().max(LONG).optional();
export const previewQuery = z.strictObject({ limit, filter, maxSize: bytesQuery });
export const folderPreviewQuery = previewQuery.extend({ folder });
export const assetsQuery = z.strictObject({
  limit,
  after: z
    .string()
    .refine((after) => parseAnswerToken(after) !== undefined, 'must be the next of a page before')
    .optional(),
});
/** Longest estimate, and how long it takes at most when nothing is said, in seconds. */
const LONGEST_ESTIMATE = 3_600;
export const ESTIMATE_SECONDS = 600;
export const estimateBody = z.strictObject({
  filter,
  maxSize: z.int().positive().optional(),
  maxSeconds: z.int().positive().max(LONGEST_ESTIMATE).optional(),
}) satisfies z.ZodType<contract.EstimateBody>;
export const folderEstimateBody = estimateBody.extend({ folder }) satisfies z.ZodType<contract.FolderEstimateBody>;
export const estimateParams = z.strictObject({ estimate: z.string() });
export const connectorEstimateParams = estimateParams.extend({ id: z.string() });
export const scanItemsBody = z.strictObject({
  connector: text(200),
  items: z
    .array(
      z.strictObject({
        location: text(LONG),
        locationBytes: z
          .base64()
          .max(2 * LONG)
          .optional(),
      }),
    )
    .min(1)
    .max(MAX_ITEMS),
  action: action.optional(),
  scanner: text(100).optional(),
  waitSeconds: z.number().min(0).max(MAX_WAIT_SECONDS).optional(),
}) satisfies z.ZodType<contract.ScanItemsBody>;
