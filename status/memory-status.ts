import { randomUUID } from 'node:crypto';
import { isFinal, type JobProgress, type LiveFigures } from '../domain/job.ts';
import { comesBehind, newestFirst } from '../domain/job-order.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import { sumLive } from './live.ts';
import { memoryChanges } from './memory-changes.ts';
import { memoryWatch } from './memory-watch.ts';
import { KEPT_FINDINGS, RETENTION_MS, type RebuildNote, type StatusStore } from './status.ts';

interface Entry {
  progress: JobProgress;
  /** Milliseconds since the epoch; set at the end of the job. */
  expiresAt: number | undefined;
}
interface Finding {
  readonly id: string;
  readonly row: OutcomeRow;
}

/** A status that lives in this process: for tests, and where there is no Redis and one process does everything. */
export function createMemoryStatus(options: { now?: () => number; retentionMs?: number } = {}): StatusStore {
  const now = options.now ?? Date.now;
  const retentionMs = options.retentionMs ?? RETENTION_MS;
  const epoch = randomUUID();
  const entries = new Map<string, Entry>();
  const lives = new Map<string, Map<string, { figures: LiveFigures; until: number }>>();
  const found = new Map<string, { next: number; rows: Finding[] }>();

  const log = memoryChanges();
  let note: RebuildNote | undefined;
  let held: { owner: string; until: number } | undefined;

  const entryOf = (job: string): Entry | undefined => {
    const entry = entries.get(job);
    if (entry?.expiresAt === undefined || entry.expiresAt > now()) return entry;
    entries.delete(job);
    found.delete(job);
    return undefined;
  };
  const copy = <T>(value: T): T => structuredClone(value);

  return {
    ...memoryWatch(now, (connector) => log.add({ type: 'connector', connector })),
    changePlace: log.changePlace,
    changes: log.changes,
    async publishJob(progress, keepMs = retentionMs) {
      const have = entryOf(progress.job);
      const final = isFinal(progress.state);
      if (have) {
        const ended = isFinal(have.progress.state);
        if ((ended && !final) || (ended === final && have.progress.revision > progress.revision)) return false;
      }
      entries.set(progress.job, {
        progress: copy(progress),
        expiresAt: final ? (have?.expiresAt ?? now() + keepMs) : undefined,
      });
      if (final) lives.delete(progress.job);
      if (have?.progress.revision !== progress.revision || isFinal(have.progress.state) !== final) {
        log.add({ type: 'job', job: progress.job });
      }
      return true;
    },
    async publishLive(job, worker, figures, ttlMs) {
      const entry = entryOf(job);
      if (entry && isFinal(entry.progress.state)) return;
      const workers = lives.get(job) ?? new Map();
      lives.set(job, workers.set(worker, { figures: copy(figures), until: now() + ttlMs }));
    },
    async publishFindings(job, rows) {
      const stream = found.get(job) ?? { next: 1, rows: [] };
      found.set(job, stream);
      const seen = new Set(stream.rows.map(({ row }) => row.item));
      for (const row of rows) {
        if (seen.has(row.item)) continue;
        seen.add(row.item);
        stream.rows.push({ id: `${stream.next}-0`, row: copy(row) });
        stream.next += 1;
        log.add({ type: 'finding', job, row });
      }
      stream.rows.splice(0, Math.max(0, stream.rows.length - KEPT_FINDINGS));
    },
    async job(job) {
      const entry = entryOf(job);
      if (entry === undefined) return undefined;
      const live = [...(lives.get(job)?.values() ?? [])].filter(({ until }) => until > now());
      return {
        progress: copy(entry.progress),
        live: sumLive(
          live.map(({ figures }) => figures),
          entry.progress,
        ),
      };
    },
    async jobs(limit, after) {
      const page: JobProgress[] = [];
      const known = [...entries.values()].map(({ progress }) => progress).filter((job) => comesBehind(job, after));
      for (const { job } of known.sort(newestFirst)) {
        const entry = page.length < limit ? entryOf(job) : undefined;
        if (entry) page.push(copy(entry.progress));
      }
      return page;
    },
    async open() {
      return [...entries.values()]
        .map(({ progress }) => progress)
        .filter(({ state }) => !isFinal(state))
        .map(({ job }) => job);
    },
    async findings(job, after, limit) {
      const behind = after === undefined ? 0 : Number.parseInt(after, 10);
      const rows = found.get(job)?.rows ?? [];
      return rows
        .filter(({ id }) => Number.parseInt(id, 10) > behind)
        .slice(0, limit)
        .map(copy);
    },
    async findingsKept(job, id) {
      const rows = found.get(job)?.rows ?? [];
      return { count: rows.length, known: rows.some((row) => row.id === id) };
    },
    epoch: async () => epoch,
    rebuild: async () => note,
    async noteRebuild(written) {
      if (written.epoch !== epoch) return false;
      note = written;
      return true;
    },
    async lock(owner, ms) {
      if (held !== undefined && held.owner !== owner && held.until > now()) return false;
      held = { owner, until: now() + ms };
      return true;
    },
    async unlock(owner) {
      if (held?.owner === owner) held = undefined;
    },
    ping: async () => undefined,
    close: async () => undefined,
  };
}
