import { isFinal } from '../../domain/job.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { LedgerError } from '../../ledger/errors.ts';
import { latestActions, newestRows } from '../../ledger/newest-rows.ts';
import { StatusUnavailable } from '../../status/errors.ts';
import type { JobResource } from '../contract.ts';
import { ControlError } from '../control.ts';
import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import { jobSummary } from './job-hash.ts';
import { isPending, isResult, resultOf } from './results.ts';

type Frame = { readonly type: string; readonly [field: string]: unknown };
type Listener = (frame: Frame) => void;

/** Between two looks, in milliseconds: while the status answers, and without it, where each look asks Temporal and the ledger. */
const LOOK_MS = 1_000;
const SLOW_LOOK_MS = 5_000;
/** Jobs that are followed, newest first. */
const MOST_JOBS = 50;
/** Results of one job that one look sends besides findings: a scan goes through thousands each second. */
const MOST_OTHERS = 200;
const MOST_FINDINGS = 500;
/** Items of a job that are remembered as sent. */
const REMEMBERED = 20_000;

/** What was told of a job so far. */
interface Told {
  revision: number;
  state: string;
  commit: string | undefined;
  finding: string | undefined;
  ended: boolean;
  readonly sent: Set<string>;
  /** Findings that were sent before anything was known of their action. */
  readonly pending: Map<string, OutcomeRow>;
}

export interface ResultFeed {
  /** Every frame from now on, until the returned function is called. */
  listen(listener: Listener): () => void;
}

/**
 * Results and states of jobs as they come, for all readers of this process by one loop, which runs while there is one. What was recorded
 * before the loop began is not told. Every finding is, and again once it is known what became of its action; of the other results at most 200 of each commit.
 */
export function createResultFeed(deps: ApiDeps, jobs: Jobs): ResultFeed {
  const listeners = new Set<Listener>();
  let told = new Map<string, Told>();
  let since = 0;
  let timer: NodeJS.Timeout | undefined;
  let down = false;

  const send = (frame: Frame): void => {
    for (const listener of listeners) listener(frame);
  };

  async function look(): Promise<number> {
    const { list, quick } = await newest();
    const now = new Map<string, Told>();
    for (const job of list) {
      const known = told.get(job.job);
      // What had ended before anybody listened is no news.
      if (known === undefined && isFinal(job.state) && Date.parse(job.endedAt ?? job.startedAt) < since) continue;
      const one = known ?? {
        revision: -1,
        state: '',
        commit: undefined,
        finding: undefined,
        ended: false,
        sent: new Set(),
        pending: new Map(),
      };
      now.set(job.job, one);
      if (!one.ended) await follow(job, one);
    }
    told = now;
    return quick ? LOOK_MS : SLOW_LOOK_MS;
  }

  async function newest(): Promise<{ list: readonly JobResource[]; quick: boolean }> {
    try {
      const list = await deps.status?.jobs(MOST_JOBS);
      if (list !== undefined) return { list: list.map((job) => ({ ...job, from: 'status', ledger: '' })), quick: true };
    } catch (error) {
      if (!(error instanceof StatusUnavailable)) throw error;
    }
    return { list: (await jobs.list(MOST_JOBS, undefined)).jobs, quick: false };
  }

  async function follow(job: JobResource, one: Told): Promise<void> {
    const ended = isFinal(job.state);
    const committed = job.commit?.hash !== one.commit || ended;
    const rows = [...(await findings(job, one)), ...(await others(job, one, ended))];
    const fresh = rows.filter((row) => !one.sent.has(row.item) && Date.parse(row.at) >= since);
    const asked = committed ? [...fresh, ...one.pending.values()] : fresh;
    const actions = asked.length === 0 ? new Map() : await actionsOf(job, asked);
    const summary = jobSummary(job);
    const of = { ...job, ended };
    for (const row of committed ? [...one.pending.values()] : []) {
      if (isPending(of, row, actions.get(row.item))) continue;
      one.pending.delete(row.item);
      send({
        type: 'scan_result',
        scan_result: resultOf(of, row, actions.get(row.item), deps.settings.connectors),
        job: summary,
      });
    }
    for (const row of fresh) {
      if (one.sent.has(row.item)) continue;
      if (one.sent.size < REMEMBERED) one.sent.add(row.item);
      if (isPending(of, row, actions.get(row.item)) && one.pending.size < REMEMBERED) one.pending.set(row.item, row);
      const result = resultOf(of, row, actions.get(row.item), deps.settings.connectors);
      send({ type: 'scan_result', scan_result: result, job: summary });
    }
    if (one.state !== job.state || one.revision !== job.revision) {
      const { eta_secs: _, time_remaining: __, processing_window_secs: ___, ...echo } = summary;
      send({ type: 'scan_result', scan_result: { type: 'job_status' }, job: echo });
    }
    one.state = job.state;
    one.revision = job.revision;
    one.ended = ended;
  }

  /** Findings of closed pages, from the status. Without it they come with the other rows. */
  async function findings(job: JobResource, one: Told): Promise<readonly OutcomeRow[]> {
    const rows: OutcomeRow[] = [];
    try {
      for (;;) {
        const found = (await deps.status?.findings(job.job, one.finding, MOST_FINDINGS)) ?? [];
        rows.push(...found.map(({ row }) => row));
        one.finding = found.at(-1)?.id ?? one.finding;
        if (found.length < MOST_FINDINGS) return rows;
      }
    } catch (error) {
      if (error instanceof StatusUnavailable) return rows;
      throw error;
    }
  }

  /** The newest rows that a commit has brought. */
  async function others(job: JobResource, one: Told, ended: boolean): Promise<readonly OutcomeRow[]> {
    const commit = job.commit?.hash;
    if (commit === one.commit && !ended) return [];
    try {
      const ledger = await jobs.ledgerOf(job.job);
      const fresh = (row: OutcomeRow): boolean => !one.sent.has(row.item) && Date.parse(row.at) >= since;
      const plain = await newestRows(ledger, MOST_OTHERS, (row) => isResult(row) && fresh(row));
      const found = await newestRows(ledger, 1_000, (row) => row.outcome === 'malicious' && fresh(row));
      one.commit = commit;
      const seen = new Set(plain.map(({ item }) => item));
      return [...plain, ...found.filter(({ item }) => !seen.has(item))].reverse();
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      deps.log.warn({ job: job.job, code: error.code }, `results: ${error.message}`);
      return [];
    }
  }

  async function actionsOf(job: JobResource, rows: readonly OutcomeRow[]) {
    try {
      return await latestActions(await jobs.ledgerOf(job.job), rows);
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      return new Map();
    }
  }

  async function turn(): Promise<void> {
    let pause = SLOW_LOOK_MS;
    try {
      pause = await look();
      down = false;
    } catch (error) {
      const known = error instanceof LedgerError || error instanceof ControlError || error instanceof StatusUnavailable;
      if (!known) deps.log.error({ err: error }, 'the stream of results failed');
      if (!down) send({ type: 'waiting', message: 'Notifier unavailable' });
      down = true;
    }
    if (listeners.size === 0 || deps.stopping.aborted) {
      timer = undefined;
      return;
    }
    timer = setTimeout(() => void turn(), pause);
    timer.unref();
  }

  return {
    listen(listener) {
      listeners.add(listener);
      if (timer === undefined) {
        since = Date.now();
        told = new Map();
        timer = setTimeout(() => void turn(), 0);
        timer.unref();
      }
      return () => void listeners.delete(listener);
    },
  };
}
