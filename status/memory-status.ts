import { randomUUID } from 'node:crypto';
import { isFinal, type JobProgress, type LiveFigures } from '../domain/job.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import { sumLive } from './live.ts';
import { KEPT_FINDINGS, RETENTION_MS, type StatusStore } from './status.ts';

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

  const entryOf = (job: string): Entry | undefined => {
    const entry = entries.get(job);
    if (entry?.expiresAt === undefined || entry.expiresAt > now()) return entry;
    entries.delete(job);
    found.delete(job);
    return undefined;
  };
  const copy = <T>(value: T): T => structuredClone(value);

  return {
    async publishJob(progress) {
      const have = entryOf(progress.job);
      const final = isFinal(progress.state);
      if (have && (have.progress.revision > progress.revision || (isFinal(have.progress.state) && !final)))
        return false;
      entries.set(progress.job, {
        progress: copy(progress),
        expiresAt: final ? (have?.expiresAt ?? now() + retentionMs) : undefined,
      });
      if (final) lives.delete(progress.job);
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
      const ids = [...entries.keys()]
        .filter((id) => after === undefined || id < after)
        .sort()
        .reverse();
      const page: JobProgress[] = [];
      for (const id of ids) {
        const entry = page.length < limit ? entryOf(id) : undefined;
        if (entry) page.push(copy(entry.progress));
      }
      return page;
    },
    async findings(job, after, limit) {
      const behind = after === undefined ? 0 : Number.parseInt(after, 10);
      const rows = found.get(job)?.rows ?? [];
      return rows
        .filter(({ id }) => Number.parseInt(id, 10) > behind)
        .slice(0, limit)
        .map(copy);
    },
    epoch: async () => epoch,
    ping: async () => undefined,
    close: async () => undefined,
  };
}
