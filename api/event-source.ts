import { isFinal } from '../domain/job.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import { LedgerError } from '../ledger/errors.ts';
import type { JobLedger } from '../ledger/ledger.ts';
import { pageOutcomes } from '../ledger/outcomes.ts';
import { StatusUnavailable } from '../status/errors.ts';
import { KEPT_FINDINGS } from '../status/status.ts';
import type { JobEvent, JobResource } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import type { Jobs } from './jobs.ts';
import type { SharedLooks } from './shared-looks.ts';

/** An event and the id that resumes behind it. */
export interface StreamedEvent {
  readonly id: string;
  readonly event: JobEvent;
}

/**
 * Where the reader is among the findings, and the id of the events: `s` and an id of the status stream, or `l` for the ledger, where
 * pages close in any order, so that a resumed stream begins anew (a finding then comes twice; its `item` tells).
 */
type Cursor = { readonly from: 'status'; readonly after: string | undefined } | { readonly from: 'ledger' };

const FINDINGS = ['malicious', 'policy_blocked'] as const;
const STEP = 500;
/** Pause between two looks, in milliseconds: at the status, and at Temporal or the ledger. */
const LOOK_MS = 500;
const SLOW_LOOK_MS = 2_000;

export interface EventSource {
  /** Events since the last call, in order; the last one is `end` once the job has ended. */
  look(): AsyncGenerator<StreamedEvent, void, void>;
  /** How long to wait before the next look, in milliseconds. */
  readonly pauseMs: number;
}

/** Findings come from the status where it has them all, else from the ledger. An id that is none of ours begins anew. */
export function createEventSource(
  deps: ApiDeps,
  jobs: Jobs,
  looks: SharedLooks,
  job: string,
  lastEventId: string | undefined,
): EventSource {
  let cursor: Cursor = parse(lastEventId);
  /** Only a reader from the beginning knows whether the status showed him every finding. */
  let whole = lastEventId === undefined;
  let resumed = cursor.from === 'status' && cursor.after !== undefined;
  const sent = new Set<string>();
  let shown = '';
  let begun = false;
  /** The commit whose rows were sent: the ledger has nothing new before the next one. */
  let commit: string | undefined;
  let pauseMs = LOOK_MS;

  async function* findings(now: JobResource): AsyncGenerator<StreamedEvent, void, void> {
    const total = FINDINGS.reduce((sum, outcome) => sum + now.counters.outcomes[outcome], 0);
    if (cursor.from === 'status' && (now.from !== 'status' || (whole && total > KEPT_FINDINGS))) cursor = LEDGER;
    if (cursor.from === 'status') {
      try {
        if (resumed) await resume();
        yield* fromStatus(now);
        if (isFinal(now.state) && (whole ? sent.size < total : await fewerKept(total))) cursor = LEDGER;
      } catch (error) {
        if (!(error instanceof StatusUnavailable)) throw error;
        cursor = LEDGER;
      }
    }
    if (cursor.from === 'ledger' && (now.commit?.hash !== commit || isFinal(now.state))) {
      commit = now.commit?.hash;
      yield* fromLedger();
    }
  }

  /** A place that is no longer there (Redis was flushed, or has dropped it) can't be gone on from: the reader begins anew. */
  async function resume(): Promise<void> {
    const after = cursor.from === 'status' ? cursor.after : undefined;
    const kept = await deps.status?.findingsKept(job, after);
    resumed = false;
    if (kept?.known === true) return;
    cursor = { from: 'status', after: undefined };
    whole = true;
  }

  async function fewerKept(total: number): Promise<boolean> {
    return ((await deps.status?.findingsKept(job))?.count ?? 0) < total;
  }

  async function* fromStatus(now: JobResource): AsyncGenerator<StreamedEvent, void, void> {
    for (;;) {
      const after = cursor.from === 'status' ? cursor.after : undefined;
      const found = await looks.findings(now, after, STEP);
      for (const { id, row } of found) {
        cursor = { from: 'status', after: id };
        yield* once(row);
      }
      if (found.length < STEP) return;
    }
  }

  /** A ledger that can't be read now is tried again at the next look. */
  async function* fromLedger(): AsyncGenerator<StreamedEvent, void, void> {
    try {
      const ledger = await jobs.ledgerOf(job);
      for (const outcome of FINDINGS) yield* ofOutcome(ledger, outcome);
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      commit = undefined;
      deps.log.warn({ job, code: error.code }, `findings: ${error.message}`);
    }
  }

  async function* ofOutcome(
    ledger: JobLedger,
    outcome: (typeof FINDINGS)[number],
  ): AsyncGenerator<StreamedEvent, void, void> {
    let after: string | undefined;
    do {
      const page = await pageOutcomes(ledger, { outcome, limit: STEP, ...(after !== undefined && { after }) });
      for (const row of page.rows) yield* once(row);
      after = page.next;
    } while (after !== undefined);
  }

  function* once(row: OutcomeRow): Generator<StreamedEvent, void, void> {
    if (sent.has(row.item)) return;
    sent.add(row.item);
    yield { id: format(cursor), event: { type: 'finding', row } };
  }

  return {
    get pauseMs() {
      return pauseMs;
    },
    async *look() {
      // Who has just come wants what is now, and not what others saw.
      const now = await (begun ? looks.job(job) : jobs.get(job));
      begun = true;
      // A job that has just begun soon shows in the status; where there is none, a look costs more.
      pauseMs = now.from === 'status' ? LOOK_MS : Math.min(pauseMs * 1.5, SLOW_LOOK_MS);
      yield* findings(now);
      const ended = isFinal(now.state);
      const figures = looks.text(now);
      if (!ended && figures !== shown) yield { id: format(cursor), event: { type: 'progress', job: now } };
      shown = figures;
      if (ended) yield { id: format(cursor), event: { type: 'end', job: now } };
    },
  };
}

const LEDGER: Cursor = { from: 'ledger' };

function format(cursor: Cursor): string {
  return cursor.from === 'status' ? `s${cursor.after ?? ''}` : 'l';
}

function parse(id: string | undefined): Cursor {
  if (id === undefined) return { from: 'status', after: undefined };
  if (/^s\d{1,20}-\d{1,20}$/.test(id)) return { from: 'status', after: id.slice(1) };
  if (id === 'l') return LEDGER;
  return { from: 'status', after: undefined };
}
