import { z } from 'zod';
import { ACTION_STATES, ITEM_ACTIONS } from '../domain/action.ts';
import { FINAL_STATES, JOB_KINDS, RUNNING_STATES } from '../domain/job.ts';
import { OUTCOMES } from '../domain/outcome.ts';
import type * as contract from './contract.ts';

const action = z.enum(ITEM_ACTIONS);
const count = z.int().nonnegative();
const state = z.enum([...RUNNING_STATES, ...FINAL_STATES]);
const outcomes = z.strictObject(
  Object.fromEntries(OUTCOMES.map((o) => [o, count])) as Record<(typeof OUTCOMES)[number], typeof count>,
);
const counters = z.strictObject({ outcomes, bytes: count, standIn: count });
const actionCounts = z.strictObject(
  Object.fromEntries(ACTION_STATES.map((s) => [s, count])) as Record<(typeof ACTION_STATES)[number], typeof count>,
);
const idle = z.object({
  why: z.enum(['paused', 'held', 'waiting_for_worker', 'cancelling']),
  by: z.string().optional(),
  reason: z.string().optional(),
  since: z.string().optional(),
});

export const jobResource = z.object({
  job: z.string(),
  kind: z.enum(JOB_KINDS),
  source: z.union([
    z.object({ kind: z.literal('connector'), id: z.string() }),
    z.object({ kind: z.literal('folder'), id: z.string(), path: z.string() }),
  ]),
  settings: z.object({
    filter: z.string(),
    action,
    quarantine: z.string().optional(),
    dryRun: z.boolean(),
    maxSize: z.number().optional(),
    scanner: z.string(),
  }),
  state,
  idle: idle.optional(),
  actor: z.string(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  revision: count,
  listed: count,
  listedBytes: count,
  listingDone: z.boolean(),
  outside: count,
  counters,
  pages: z.object({ listed: count, open: count, closed: count }),
  actions: actionCounts,
  gaps: z.array(
    z.object({
      class: z.enum([
        'failed',
        'unscannable',
        'inconclusive',
        'folder_unreadable',
        'listing_broken',
        'action_failed',
        'action_waiting',
        'empty_asset',
        'other_device',
      ]),
      count,
      detail: z.string().optional(),
    }),
  ),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
  commit: z.object({ number: count, hash: z.string() }).optional(),
  live: z.object({ counters, inFlight: count, itemsPerSecond: z.number(), bytesPerSecond: z.number() }).optional(),
  from: z.enum(['status', 'temporal', 'ledger']),
  ledger: z.string(),
  root: z.string().optional(),
}) satisfies z.ZodType<contract.JobResource>;

const verdict = z.object({ verdict: z.string() }).catchall(z.union([z.string(), z.number()]));
const outcomeRow = z.looseObject({ item: z.string(), location: z.string(), outcome: z.enum(OUTCOMES), at: z.string() });
const actionRow = z.looseObject({
  finding: z.string(),
  item: z.string(),
  location: z.string(),
  action,
  state: z.enum(ACTION_STATES),
});
const self = z.strictObject({ self: z.string() });

export const startJobAnswer = z.strictObject({
  job: z.string(),
  joined: z.boolean(),
  links: z.strictObject({ self: z.string(), events: z.string(), temporal: z.string().optional() }),
}) satisfies z.ZodType<contract.StartJobAnswer>;
export const jobList = z.strictObject({ jobs: z.array(jobResource), next: z.string().optional() });
export const controlJobAnswer = z.strictObject({
  job: z.string(),
  state,
  idle: idle.optional(),
  revision: count,
  links: self,
}) satisfies z.ZodType<contract.ControlJobAnswer>;
export const outcomePage = z.strictObject({ rows: z.array(outcomeRow), next: z.string().optional() });
export const actionPage = z.strictObject({ rows: z.array(actionRow), next: z.string().optional() });
export const scanItemsAnswer = z.strictObject({
  job: z.string(),
  state,
  rows: z.array(outcomeRow).optional(),
  links: self,
});
export const scanBodyAnswer = z.strictObject({
  outcome: z.enum(OUTCOMES),
  reason: z.string().optional(),
  sha256: z.string(),
  size: count,
  verdict,
  standIn: z.boolean(),
});
export const healthAnswer = z.strictObject({ status: z.literal('ok') }) satisfies z.ZodType<contract.HealthAnswer>;
export const readyAnswer = z.strictObject({
  ready: z.boolean(),
  checks: z.array(
    z.strictObject({
      name: z.enum(['temporal', 'redis', 'ledger', 'scanner', 'workers', 'fairness']),
      state: z.enum(['ok', 'problem', 'off']),
      needed: z.boolean(),
      detail: z.string(),
    }),
  ),
}) satisfies z.ZodType<contract.ReadyAnswer>;
export const versionAnswer = z.strictObject({
  name: z.string(),
  version: z.string(),
  node: z.string(),
  scanners: z.array(z.strictObject({ name: z.string(), standIn: z.boolean() })),
}) satisfies z.ZodType<contract.VersionAnswer>;
export const scannerCheckAnswer = z.strictObject({
  scanner: z.string(),
  ok: z.boolean(),
  code: z.string().optional(),
  detail: z.string(),
  standIn: z.boolean(),
  elapsedMs: z.number(),
}) satisfies z.ZodType<contract.ScannerCheckAnswer>;
export const connectorResource = z.strictObject({
  id: z.string(),
  kind: z.string(),
  site: z.string().optional(),
  asset: z.string(),
  filter: z.string(),
  action,
  quarantine: z.string().optional(),
  dryRun: z.boolean(),
  maxSize: z.number().optional(),
  scanner: z.string().optional(),
}) satisfies z.ZodType<contract.ConnectorResource>;
export const connectorList = z.strictObject({
  connectors: z.array(connectorResource),
}) satisfies z.ZodType<contract.ConnectorList>;
export const checkAnswer = z.strictObject({
  connector: z.string(),
  ok: z.boolean(),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string() })),
}) satisfies z.ZodType<contract.CheckAnswer>;
