import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ActionRow } from '../../domain/action.ts';
import { isFinal } from '../../domain/job.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { pageActions } from '../../ledger/actions.ts';
import { canonicalJson } from '../../ledger/canonical-json.ts';
import { LedgerError } from '../../ledger/errors.ts';
import { pageOutcomes } from '../../ledger/outcomes.ts';
import type { JobResource } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { taskIdOf } from './identity.ts';
import { modelOfSource } from './models.ts';
import { taskOfRow } from './push-task.ts';

/** `scan_request`: items that failed; `verdict_action`: item actions that failed; `scan_result`: always empty, since results wait in the ledger. */
export const QUEUES = ['scan_request', 'verdict_action', 'scan_result'] as const;
export type Queue = (typeof QUEUES)[number];

export const deadLetter = z.object({
  queue: z.string(),
  reason: z.string(),
  error_details: z.string(),
  retry_count: z.int(),
  idempotency_key: z.string(),
  payload: z.record(z.string(), z.unknown()),
  meta: z.record(z.string(), z.unknown()),
  chain: z.object({
    scan_request_task_id: z.string(),
    current_task_id: z.string(),
    upstream_task_id: z.string().nullable(),
  }),
});
export type DeadLetter = z.output<typeof deadLetter>;

/** Jobs that are looked at, newest first. */
const MOST_JOBS = 100;

/** A job that has ended, and how much of it failed. */
export interface FailedJob {
  readonly job: JobResource;
  readonly count: number;
}

export function queueName(deps: ApiDeps, queue: Queue): string {
  const { appEnv } = deps.settings;
  return `${appEnv === 'stag' ? 'stg' : appEnv}:dsx-connect:dlq:${queue}`;
}

/**
 * The jobs whose failed items (or actions) were neither retried nor cleared, newest first.
 * @throws LedgerError, ControlError, StatusUnavailable
 */
export async function failedJobs(deps: ApiDeps, jobs: Jobs, queue: Queue): Promise<FailedJob[]> {
  if (queue === 'scan_result') return [];
  const cleared = await (await deps.ledger.open()).cleared.read('dead-letter');
  const { jobs: newest } = await jobs.list(MOST_JOBS, undefined);
  return newest.flatMap((job) => {
    if (!isFinal(job.state) || Date.parse(job.endedAt ?? job.startedAt) <= cleared.of(queueMark(queue))) return [];
    if (queue === 'scan_request' && (job.retriedBy !== undefined || job.closedBy !== undefined)) return [];
    const count = queue === 'scan_request' ? job.counters.outcomes.failed : job.actions.failed + job.actions.refused;
    return count === 0 ? [] : [{ job, count }];
  });
}

/** What a queue is called where it is noted as cleared: marks belong to jobs, and no job has this name. */
export function queueMark(queue: Queue): string {
  return `queue.${queue}`;
}

/** The letters from `start` to `end`, both counted, newest job first. A job whose ledger can't be read gives none. */
export async function lettersOf(
  deps: ApiDeps,
  queue: Queue,
  failed: readonly FailedJob[],
  { start, end }: { readonly start: number; readonly end: number },
): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  let before = 0;
  for (const { job, count } of failed) {
    if (before > end) break;
    if (before + count > start) {
      const from = Math.max(0, start - before);
      const own = await lettersOfJob(deps, queue, job, end - before + 1);
      letters.push(...own.slice(from));
    }
    before += count;
  }
  return letters.slice(0, end - start + 1);
}

async function lettersOfJob(deps: ApiDeps, queue: Queue, job: JobResource, most: number): Promise<DeadLetter[]> {
  const ledger = (await deps.ledger.open()).job(job.job);
  const letters: DeadLetter[] = [];
  try {
    if (queue === 'verdict_action') {
      for (const state of ['failed', 'refused'] as const) {
        let after: string | undefined;
        do {
          const page = await pageActions(ledger, { state, limit: 500, ...(after !== undefined && { after }) });
          for (const row of page.rows) letters.push(ofAction(deps, queue, job, row));
          after = page.next;
        } while (after !== undefined && letters.length < most);
      }
    } else {
      let after: string | undefined;
      do {
        const page = await pageOutcomes(ledger, {
          outcome: 'failed',
          limit: 500,
          ...(after !== undefined && { after }),
        });
        for (const row of page.rows) letters.push(ofRow(deps, queue, job, row));
        after = page.next;
      } while (after !== undefined && letters.length < most);
    }
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    deps.log.warn({ job: job.job, code: error.code }, `dead letters: ${error.message}`);
  }
  return letters.slice(0, most);
}

function ofRow(deps: ApiDeps, queue: Queue, job: JobResource, row: OutcomeRow): DeadLetter {
  const scan_request = requestOf(deps, job, row.item, row.location, row.listed.size);
  return letter(deps, queue, taskOfRow(job, row), {
    reason: row.reason ?? 'unknown_error',
    error_details: row.note ?? row.reason ?? '',
    retry_count: Math.max(0, (row.attempts ?? 1) - 1),
    payload: { scan_request },
    meta: { at: row.at },
  });
}

function ofAction(deps: ApiDeps, queue: Queue, job: JobResource, row: ActionRow): DeadLetter {
  const scan_request = requestOf(deps, job, row.item, row.location, undefined);
  return letter(deps, queue, taskIdOf(job.job, row.item), {
    reason: row.code ?? row.state,
    error_details: row.note ?? row.code ?? row.state,
    retry_count: 0,
    payload: { scan_request, verdict: { verdict: 'Malicious', verdict_details: { threat_type: row.threat ?? null } } },
    meta: { at: row.at, action: row.action, state: row.state },
  });
}

function requestOf(deps: ApiDeps, job: JobResource, item: string, location: string, size: number | undefined) {
  return {
    connector: modelOfSource(job.source, deps.settings.connectors),
    location,
    metainfo: location,
    connector_url: '',
    requested_action: null,
    size_in_bytes: size ?? null,
    scan_job_id: job.job,
    job_item_id: item,
    scan_source: null,
  };
}

function letter(
  deps: ApiDeps,
  queue: Queue,
  task: string,
  told: Pick<DeadLetter, 'reason' | 'error_details' | 'retry_count' | 'payload' | 'meta'>,
): DeadLetter {
  return {
    queue: queueName(deps, queue),
    ...told,
    idempotency_key: createHash('sha256').update(canonicalJson(told.payload)).digest('hex'),
    chain: { scan_request_task_id: task, current_task_id: task, upstream_task_id: null },
  };
}
