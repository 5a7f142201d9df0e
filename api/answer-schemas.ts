import { z } from 'zod';
import { ACTION_STATES, ITEM_ACTIONS, ROW_ACTIONS } from '../domain/action.ts';
import { ORDERS, VERDICTS } from '../domain/approval.ts';
import { ESTIMATE_STATES } from '../domain/estimate.ts';
import { NO_BASELINE } from '../domain/incremental.ts';
import { FINAL_STATES, IDLE_REASONS, JOB_KINDS, RUNNING_STATES } from '../domain/job.ts';
import { DAYS } from '../domain/limits.ts';
import { OUTCOMES } from '../domain/outcome.ts';
import { RETRIABLE } from '../domain/retry.ts';
import { WATCH_STATES } from '../domain/watch.ts';
import type * as contract from './contract.ts';
import { DEGRADED } from './contract.ts';
import { remoteAnswer } from './remote-answer.ts';
import { watchHealth } from './watch-schemas.ts';

const action = z.enum(ITEM_ACTIONS);
const count = z.int().nonnegative();
const state = z.enum([...RUNNING_STATES, ...FINAL_STATES]);
const outcomes = z.strictObject(
  Object.fromEntries(OUTCOMES.map((o) => [o, count])) as Record<(typeof OUTCOMES)[number], typeof count>,
);
const counters = z.strictObject({
  outcomes,
  bytes: count,
  standIn: count,
  allowed: count.optional(),
  unchanged: count.optional(),
});
const actionCounts = z.strictObject(
  Object.fromEntries(ACTION_STATES.map((s) => [s, count])) as Record<(typeof ACTION_STATES)[number], typeof count>,
);
const idle = z.object({
  why: z.enum(IDLE_REASONS),
  by: z.string().optional(),
  reason: z.string().optional(),
  since: z.string().optional(),
  until: z.string().optional(),
});
const span = z.strictObject({ days: z.array(z.enum(DAYS)), from: z.string(), to: z.string() });
const limits = z.strictObject({
  itemsInFlight: count.optional(),
  bytesPerSecond: count.optional(),
  requestsPerSecond: count.optional(),
  hours: z.strictObject({ timeZone: z.string(), spans: z.array(span) }).optional(),
  by: z.string(),
  reason: z.string().optional(),
  since: z.string(),
});

const gaps = z.array(
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
      'events_dropped',
    ]),
    count,
    detail: z.string().optional(),
  }),
);

export const source = z.union([
  z.object({ kind: z.literal('connector'), id: z.string() }),
  z.object({ kind: z.literal('folder'), id: z.string(), path: z.string() }),
]);
const brake = { maxActions: count.optional(), maxActionsWindow: count.optional() };
const order = z.object({
  why: z.enum(ORDERS),
  job: z.string(),
  by: z.string(),
  at: z.string(),
  reason: z.string().optional(),
  findings: count.optional(),
  through: count.optional(),
  list: z.string().optional(),
});

const eventFigures = z.object({
  shard: count,
  received: count,
  pending: count,
  lastAt: z.string().optional(),
  lagMs: z.number().optional(),
});

export const jobResource = z.object({
  job: z.string(),
  kind: z.enum(JOB_KINDS),
  source,
  settings: z.object({
    filter: z.string(),
    action,
    quarantine: z.string().optional(),
    dryRun: z.boolean(),
    maxSize: z.number().optional(),
    scanner: z.string(),
    ...brake,
    incremental: z.literal(true).optional(),
    rescanAfter: count.optional(),
  }),
  state,
  idle: idle.optional(),
  limits: limits.optional(),
  site: z.string().optional(),
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
  coverage: z.literal('reported_by_connector').optional(),
  shard: count.optional(),
  events: eventFigures.optional(),
  order: order.optional(),
  gaps,
  retry: z
    .object({
      of: z.string(),
      first: z.string(),
      outcomes: z.array(z.enum(RETRIABLE)),
      classes: z.array(z.string()).optional(),
      prefix: z.string().optional(),
    })
    .optional(),
  whole: z
    .object({
      of: z.string(),
      jobs: z.array(z.string()),
      state: z.enum(FINAL_STATES),
      listed: count,
      counters,
      gaps,
    })
    .optional(),
  incremental: z
    .object({
      since: z.object({ job: z.string(), root: z.string() }).optional(),
      why: z.object({ code: z.enum(NO_BASELINE), detail: z.string() }).optional(),
      unannounced: count.optional(),
    })
    .optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
  commit: z.object({ number: count, hash: z.string() }).optional(),
  live: z.object({ counters, inFlight: count, itemsPerSecond: z.number(), bytesPerSecond: z.number() }).optional(),
  from: z.enum(['status', 'temporal', 'ledger']),
  ledger: z.string(),
  root: z.string().optional(),
  retriedBy: z.array(z.string()).optional(),
  closedBy: z.string().optional(),
}) satisfies z.ZodType<contract.JobResource>;

const verdict = z.object({ verdict: z.string() }).catchall(z.union([z.string(), z.number()]));
export const outcomeRow = z.looseObject({
  item: z.string(),
  location: z.string(),
  outcome: z.enum(OUTCOMES),
  at: z.string(),
});
export const actionRow = z.looseObject({
  finding: z.string(),
  item: z.string(),
  location: z.string(),
  action: z.enum(ROW_ACTIONS),
  state: z.enum(ACTION_STATES),
});
const self = z.strictObject({ self: z.string() });

export const startJobAnswer = z.strictObject({
  job: z.string(),
  joined: z.boolean(),
  repeated: z.literal(true).optional(),
  links: z.strictObject({ self: z.string(), events: z.string(), temporal: z.string().optional() }),
}) satisfies z.ZodType<contract.StartJobAnswer>;
export const jobList = z.strictObject({
  jobs: z.array(jobResource),
  next: z.string().optional(),
  degraded: z.array(z.enum(DEGRADED)).optional(),
  unanswered: z.array(z.string()).optional(),
});
export const rebuildAnswer = z.strictObject({
  running: count,
  ended: count,
  findings: count,
  unanswered: z.array(z.string()),
  seconds: z.number(),
}) satisfies z.ZodType<contract.RebuildAnswer>;
export const controlJobAnswer = z.strictObject({
  job: z.string(),
  state,
  idle: idle.optional(),
  limits: limits.optional(),
  done: z.strictObject({ listed: count, listingDone: z.boolean(), counters, actions: actionCounts }).optional(),
  revision: count,
  links: self,
}) satisfies z.ZodType<contract.ControlJobAnswer>;
/** With `fields` any member may be missing. */
export const outcomePage = z.strictObject({ rows: z.array(outcomeRow.partial()), next: z.string().optional() });
export const actionPage = z.strictObject({ rows: z.array(actionRow.partial()), next: z.string().optional() });
export const scanItemsAnswer = z.strictObject({
  job: z.string(),
  repeated: z.literal(true).optional(),
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
export const healthAnswer = z.strictObject({ status: z.literal('alive') }) satisfies z.ZodType<contract.HealthAnswer>;
export const readyAnswer = z.strictObject({
  ready: z.boolean(),
  status: z.enum(['ready', 'not_ready']),
  redis: z.enum(['ok', 'unavailable']),
  registry: z.literal('ok'),
  checks: z.array(
    z.strictObject({
      name: z.enum(['temporal', 'redis', 'ledger', 'scanner', 'workers', 'fairness', 'results']),
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
  build_timestamp: z.string().optional(),
  scanners: z.array(z.strictObject({ name: z.string(), standIn: z.boolean() })),
}) satisfies z.ZodType<contract.VersionAnswer>;
export const scannerCheckAnswer = z.strictObject({
  scanner: z.string(),
  ok: z.boolean(),
  code: z.string().optional(),
  detail: z.string(),
  standIn: z.boolean(),
  elapsedMs: z.number(),
  status: z.enum(['success', 'error']),
  message: z.string(),
  description: z.string().nullable(),
  id: z.null(),
  preview: z.null(),
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
  ...brake,
  managed: z.enum(['file', 'api']).optional(),
  revision: z.number().optional(),
  createdAt: z.string().optional(),
  createdBy: z.string().optional(),
  updatedAt: z.string().optional(),
  updatedBy: z.string().optional(),
  events: z.array(eventFigures).optional(),
  watched: z.literal(true).optional(),
  watchState: z.enum(WATCH_STATES).optional(),
  remote: remoteAnswer.optional(),
}) satisfies z.ZodType<contract.ConnectorResource>;
export const connectorDetail = connectorResource.extend({
  watch: watchHealth.optional(),
  definition: z.record(z.string(), z.unknown()).optional(),
}) satisfies z.ZodType<contract.ConnectorDetail>;
export const connectorList = z.strictObject({
  connectors: z.array(connectorResource),
}) satisfies z.ZodType<contract.ConnectorList>;
export const checkAnswer = z.strictObject({
  connector: z.string().optional(),
  folder: z.string().optional(),
  ok: z.boolean(),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string() })),
}) satisfies z.ZodType<contract.CheckAnswer>;

export const previewAnswer = z.strictObject({
  source,
  filter: z.string(),
  items: z.array(
    z.strictObject({
      location: z.string(),
      locationBytes: z.string().optional(),
      size: count.optional(),
      modified: z.string().optional(),
      notScanned: z
        .strictObject({
          outcome: z.enum(['skipped', 'unscannable', 'failed']),
          reason: z.string(),
          detail: z.string().optional(),
        })
        .optional(),
    }),
  ),
  leftOut: z.array(
    z.strictObject({
      location: z.string(),
      why: z.enum(['excluded', 'not_included']),
      rule: z.string().optional(),
    }),
  ),
  gaps: z.array(z.strictObject({ location: z.string(), detail: z.string() })),
  outside: count,
  more: z.boolean(),
  partial: z.boolean(),
  seconds: z.number(),
}) satisfies z.ZodType<contract.PreviewAnswer>;
export const assetList = z.strictObject({
  assets: z.array(z.strictObject({ asset: z.string(), detail: z.string().optional() })),
  next: z.string().optional(),
}) satisfies z.ZodType<contract.AssetList>;
export const estimateResource = z.strictObject({
  estimate: z.string(),
  source,
  state: z.enum(ESTIMATE_STATES),
  partial: z.boolean(),
  items: count,
  bytes: count,
  scanItems: count,
  scanBytes: count,
  notScanned: z.record(z.string(), count),
  outside: count,
  gaps: count,
  requests: count,
  seconds: z.number(),
  failure: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  links: self,
}) satisfies z.ZodType<contract.EstimateResource>;

const decision = {
  verdict: z.enum(VERDICTS),
  by: z.string(),
  at: z.string(),
  reason: z.string().optional(),
  through: count,
  list: z.string(),
  findings: z.array(z.array(count).length(2)),
  count,
};
const carriedOut = { job: z.string(), of: z.string(), findings: count };
const decisionResource = z.strictObject({ ...decision, jobs: z.array(z.strictObject(carriedOut)) });
export const approvalList = z.strictObject({
  sources: z.array(
    z.strictObject({ source, waiting: count, since: z.string().optional(), decided: z.string().optional() }),
  ),
}) satisfies z.ZodType<contract.ApprovalList>;
export const sourceApprovals = z.strictObject({
  source,
  waiting: count,
  findings: z.array(
    z.strictObject({
      sequence: count,
      job: z.string(),
      finding: z.string(),
      location: z.string(),
      locationBytes: z.string().optional(),
      action,
      destination: z.string().optional(),
      version: z.string(),
      size: count,
      sha256: z.string(),
      verdict: z.string(),
      threat: z.string().optional(),
      standIn: z.boolean(),
      judgedAt: z.string(),
      since: z.string(),
    }),
  ),
  through: count.optional(),
  list: z.string().optional(),
  next: count.optional(),
  decided: z.array(decisionResource),
}) satisfies z.ZodType<contract.SourceApprovals>;
export const decideSourceAnswer = z.strictObject({
  source: z.string(),
  ...decision,
  jobs: z.array(z.strictObject({ ...carriedOut, links: self })),
  waiting: count,
}) satisfies z.ZodType<contract.DecideSourceAnswer>;
