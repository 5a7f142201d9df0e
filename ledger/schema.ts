import * as z from 'zod';
import { type AllowEntry, MAX_REASON } from '../domain/allow.ts';
import { ORDERS } from '../domain/approval.ts';
import { RETRIABLE } from '../domain/retry.ts';
import { corrupt } from './ndjson.ts';
import type { CommitBody, IndexBody, JobHeader, JobJoin } from './types.ts';

/**
 * The shapes of the ledger's own documents. Members that are not named here are let through: a later version may add some, and
 * the hash of the bytes covers them.
 */
const count = z.int().nonnegative();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const objectRef = z.looseObject({ name: z.string(), hash });

const counters = z.looseObject({
  outcomes: z.looseObject({
    clean: count,
    malicious: count,
    policy_blocked: count,
    unscannable: count,
    inconclusive: count,
    skipped: count,
    vanished: count,
    failed: count,
  }),
  bytes: count,
  standIn: count,
  allowed: count.optional(),
  unchanged: count.optional(),
});

const actionCounts = z.looseObject({
  planned: count,
  'awaiting-approval': count,
  done: count,
  failed: count,
  refused: count,
});

const source = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('connector'), id: z.string() }),
  z.looseObject({ kind: z.literal('folder'), id: z.string(), path: z.string() }),
]);

const jobHeader = z.looseObject({
  format: z.literal(1),
  job: z.string(),
  kind: z.enum(['full', 'requested', 'retry', 'apply', 'on-access']),
  shard: z.number().optional(),
  coverage: z.literal('reported_by_connector').optional(),
  source,
  settings: z.looseObject({ filter: z.string(), action: z.string(), dryRun: z.boolean(), scanner: z.string() }),
  actor: z.string(),
  startedAt: z.string(),
  intake: objectRef.optional(),
  retry: z
    .looseObject({
      of: z.string(),
      first: z.string(),
      outcomes: z.array(z.enum(RETRIABLE)),
      classes: z.array(z.string()).optional(),
      prefix: z.string().optional(),
      chain: z.array(z.looseObject({ job: z.string(), root: hash })).optional(),
    })
    .optional(),
  bodyHash: hash.optional(),
  order: z.looseObject({ why: z.enum(ORDERS), job: z.string(), by: z.string(), at: z.string() }).optional(),
});

const jobJoin = z.looseObject({ format: z.literal(1), job: z.string(), joined: z.string(), bodyHash: hash });

const indexBody = z.looseObject({
  format: z.literal(1),
  job: z.string(),
  lane: count,
  epoch: count,
  after: objectRef.optional(),
  pages: z.array(z.looseObject({ page: z.string(), object: objectRef, items: count, bytes: count })),
  position: z.record(z.string(), z.unknown()),
  done: z.boolean(),
  gaps: z.looseObject({
    count,
    samples: z.array(z.looseObject({ location: z.string(), detail: z.string() })),
  }),
  outside: count,
  intake: z.array(z.looseObject({ writer: z.string(), spans: z.array(z.tuple([count, count])) })).optional(),
});

const pageResult = z.looseObject({
  page: z.string(),
  listing: objectRef,
  items: count,
  segment: objectRef,
  counters,
  replaced: counters.optional(),
  partial: z.literal(true).optional(),
});

const finalState = z.enum(['completed', 'completed_with_gaps', 'cancelled', 'failed']);
const gaps = z.array(z.looseObject({ class: z.string(), count, detail: z.string().optional() }));

const account = z.looseObject({
  state: finalState,
  listed: count,
  listedBytes: count,
  listingDone: z.boolean(),
  outside: count,
  counters,
  actions: actionCounts,
  gaps,
  whole: z
    .looseObject({
      of: z.string(),
      jobs: z.array(z.string()).min(1),
      state: finalState,
      listed: count,
      counters,
      gaps,
    })
    .optional(),
  failure: z.looseObject({ code: z.string(), message: z.string() }).optional(),
  endedAt: z.string(),
  pages: z.looseObject({ listed: count, closed: count }).optional(),
  incremental: z
    .looseObject({
      since: z.looseObject({ job: z.string(), root: hash }).optional(),
      why: z.looseObject({ code: z.string(), detail: z.string() }).optional(),
      unannounced: count.optional(),
    })
    .optional(),
  revision: count.optional(),
});

const commitBody = z.looseObject({
  format: z.literal(1),
  job: z.string(),
  number: z.int().positive(),
  previous: hash,
  indexes: z.array(objectRef),
  pages: z.array(pageResult),
  actions: z.array(z.looseObject({ segment: objectRef, counts: actionCounts, intents: objectRef.optional() })),
  counters,
  account: account.optional(),
});

/** @throws LedgerError `corrupt`, naming the object */
export function asHeader(name: string, value: unknown): JobHeader {
  return check(jobHeader, name, value) as JobHeader;
}

/** @throws LedgerError `corrupt`, naming the object */
export function asJoin(name: string, value: unknown): JobJoin {
  return check(jobJoin, name, value) as JobJoin;
}

const allowEntry = z.looseObject({
  format: z.literal(1),
  sha256: hash,
  allowed: z.boolean(),
  by: z.string(),
  at: z.iso.datetime(),
  reason: z.string().max(MAX_REASON),
});

/** @throws LedgerError `corrupt`, naming the object */
export function asAllowEntry(name: string, value: unknown): AllowEntry {
  return check(allowEntry, name, value) as AllowEntry;
}

/** @throws LedgerError `corrupt`, naming the object */
export function asIndex(name: string, value: unknown): IndexBody {
  return check(indexBody, name, value) as IndexBody;
}

/** @throws LedgerError `corrupt`, naming the object */
export function asCommit(name: string, value: unknown): CommitBody {
  return check(commitBody, name, value) as CommitBody;
}

/** The value itself, not a copy: members unknown here stay, and nothing is converted. */
function check(schema: z.ZodType, name: string, value: unknown): unknown {
  const result = schema.safeParse(value);
  if (result.success) return value;
  const issue = result.error.issues[0];
  const path = issue?.path.join('.') ?? '';
  throw corrupt(name, path === '' ? `${issue?.message}` : `its field ${path}: ${issue?.message}`);
}
