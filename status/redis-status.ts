import { randomUUID } from 'node:crypto';
import { isFinal, type JobProgress, type LiveFigures } from '../domain/job.ts';
import type { Started } from '../domain/job-order.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import { StatusUnavailable } from './errors.ts';
import { sumLive } from './live.ts';
import { redisChanges } from './redis-changes.ts';
import { openRedisLink, type RedisTls } from './redis-link.ts';
import * as lua from './redis-scripts.ts';
import { redisWatch } from './redis-watch.ts';
import { KEPT_FINDINGS, RETENTION_MS, type StatusStore } from './status.ts';

/** Between the two halves of an epoch: the key's value, and the server's run. */
const EPOCH_JOINT = '/';
/** Rows sent in one step, so that no script holds Redis up. */
const FINDINGS_STEP = 500;

export interface RedisStatusOptions {
  /** First word of every key; default `dsx`. Two installations that share a Redis need two. */
  readonly prefix?: string;
  /** How long one command may take, in milliseconds; default 1,000. */
  readonly commandTimeoutMs?: number;
  /** How long to wait for the first connection, in milliseconds; default 1,000. After that it goes on in the background. */
  readonly connectTimeoutMs?: number;
  /** How long a job stays after its end, in milliseconds. */
  readonly retentionMs?: number;
  /** With `rediss://`: what the server is trusted by, and what it is shown. PEM. */
  readonly tls?: RedisTls;
  readonly say?: (event: 'down' | 'up', detail: string) => void;
}

/**
 * The names of the keys, which are stable:
 *
 * | key | type | holds |
 * | --- | --- | --- |
 * | `dsx:jobs` | sorted set | job ids; the score is the start, in ms since the epoch |
 * | `dsx:open` | set | ids of the jobs that have not ended |
 * | `dsx:job:<id>` | hash | `progress` (JSON), `revision`, `final` (`1` once the job has ended) |
 * | `dsx:workers:<job>` | set | workers that reported live figures |
 * | `dsx:live:<job>:<worker>` | string with expiry | live figures (JSON) |
 * | `dsx:findings:<job>` | stream | `row` (JSON), the last 10,000 |
 * | `dsx:seen:<job>` | sorted set | items of the rows in that stream, so that none is there twice |
 * | `dsx:watch:<connector>` | hash | `health` (JSON), `startedAt`, `revision` |
 * | `dsx:watch-live:<connector>` | string with expiry | what the turn under way told (JSON) |
 * | `dsx:changes` | stream | what changed: `type` (`job`, `finding`, `connector`), its id, of a finding its `row`; the last 10,000 or more |
 * | `dsx:epoch` | string | a random value; another one after a flush |
 * | `dsx:rebuild` | hash | `epoch`, `place` (JSON) and `done` (`1` when whole) of the last rebuild |
 * | `dsx:rebuild-lock` | string with expiry | who rebuilds just now |
 */
export function statusKeys(prefix = 'dsx') {
  return {
    jobs: `${prefix}:jobs`,
    open: `${prefix}:open`,
    job: (job: string) => `${prefix}:job:${job}`,
    jobPrefix: `${prefix}:job:`,
    workers: (job: string) => `${prefix}:workers:${job}`,
    live: (job: string, worker: string) => `${prefix}:live:${job}:${worker}`,
    findings: (job: string) => `${prefix}:findings:${job}`,
    seen: (job: string) => `${prefix}:seen:${job}`,
    watch: (connector: string) => `${prefix}:watch:${connector}`,
    watchLive: (connector: string) => `${prefix}:watch-live:${connector}`,
    changes: `${prefix}:changes`,
    epoch: `${prefix}:epoch`,
    rebuild: `${prefix}:rebuild`,
    lock: `${prefix}:rebuild-lock`,
  };
}

/**
 * The status in Redis ≥ 7.0 or Valkey. Resolves also while Redis is down: every call then fails at once with StatusUnavailable,
 * until the connection is back. @throws StatusUnavailable `status_config` for an address that can't work.
 */
export async function createRedisStatus(url: string, options: RedisStatusOptions = {}): Promise<StatusStore> {
  const keys = statusKeys(options.prefix);
  const retentionMs = options.retentionMs ?? RETENTION_MS;
  const link = await openRedisLink(url, {
    commandTimeoutMs: options.commandTimeoutMs ?? 1_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 1_000,
    ...(options.tls !== undefined && { tls: options.tls }),
    say: options.say ?? (() => undefined),
  });

  /** What tells one life of the server from the next; empty where it may not be asked. */
  async function serverRun(): Promise<string> {
    try {
      return /^run_id:(\w+)/m.exec(String(await link.command(['INFO', 'server'])))?.[1] ?? '';
    } catch (error) {
      if (error instanceof StatusUnavailable && error.code === 'status_refused') return '';
      throw error;
    }
  }

  return {
    ...redisWatch(link, keys),
    ...redisChanges(link, keys.changes),
    async publishJob(progress, keepMs = retentionMs) {
      const { job } = progress;
      const written = await link.script(
        lua.PUBLISH_JOB,
        [keys.job(job), keys.jobs, keys.workers(job), keys.findings(job), keys.seen(job), keys.open, keys.changes],
        [
          job,
          String(progress.revision),
          isFinal(progress.state) ? '1' : '0',
          JSON.stringify(progress),
          String(Math.max(1, Math.round(keepMs))),
          keys.live(job, ''),
          scoreOf(progress.startedAt),
        ],
      );
      return written === 1;
    },
    async publishLive(job, worker, figures, ttlMs) {
      await link.script(
        lua.PUBLISH_LIVE,
        [keys.job(job), keys.workers(job), keys.live(job, worker)],
        [worker, JSON.stringify(figures), String(Math.max(1, Math.round(ttlMs)))],
      );
    },
    async publishFindings(job, rows) {
      for (let from = 0; from < rows.length; from += FINDINGS_STEP) {
        const step = rows.slice(from, from + FINDINGS_STEP);
        await link.script(
          lua.PUBLISH_FINDINGS,
          [keys.job(job), keys.findings(job), keys.seen(job), keys.changes],
          [String(KEPT_FINDINGS), String(retentionMs), job, ...step.flatMap((row) => [row.item, JSON.stringify(row)])],
        );
      }
    },
    async job(job) {
      const [progress, ...live] = strings(
        await link.script(lua.READ_JOB, [keys.job(job), keys.workers(job)], [keys.live(job, '')]),
      );
      if (progress === undefined) return undefined;
      const known = JSON.parse(progress) as JobProgress;
      return {
        progress: known,
        live: sumLive(
          live.map((text) => JSON.parse(text) as LiveFigures),
          known,
        ),
      };
    },
    async jobs(limit, after) {
      const from = after === undefined ? ['+inf', ''] : [scoreOf(after.startedAt), after.job];
      const found = await link.script(lua.READ_JOBS, [keys.jobs], [...from, String(limit), keys.jobPrefix]);
      return strings(found).map((text) => JSON.parse(text) as JobProgress);
    },
    async open() {
      return strings(await link.command(['SMEMBERS', keys.open]));
    },
    async findings(job, after, limit) {
      const from = after === undefined ? '-' : `(${after}`;
      const found = await link.command(['XRANGE', keys.findings(job), from, '+', 'COUNT', String(limit)]);
      return (found as [string, [string, string]][]).map(([id, [, row]]) => ({
        id,
        row: JSON.parse(row) as OutcomeRow,
      }));
    },
    async findingsKept(job, id) {
      const count = Number(await link.command(['XLEN', keys.findings(job)]));
      if (id === undefined) return { count, known: false };
      const found = await link.command(['XRANGE', keys.findings(job), id, id]);
      return { count, known: Array.isArray(found) && found.length > 0 };
    },
    async epoch() {
      const value = String(await link.script(lua.READ_EPOCH, [keys.epoch], [randomUUID()]));
      return `${value}${EPOCH_JOINT}${await serverRun()}`;
    },
    async rebuild() {
      const [epoch, place, done] = (await link.command(['HMGET', keys.rebuild, 'epoch', 'place', 'done'])) as (
        | string
        | null
      )[];
      if (typeof epoch !== 'string') return undefined;
      return { epoch, place: placeOf(place), done: done === '1' };
    },
    async noteRebuild({ epoch, place, done }) {
      const value = epoch.split(EPOCH_JOINT)[0] ?? '';
      const text = place === undefined ? '' : JSON.stringify(place);
      return (
        (await link.script(lua.NOTE_REBUILD, [keys.rebuild, keys.epoch], [epoch, value, text, done ? '1' : '0'])) === 1
      );
    },
    async lock(owner, ms) {
      return (await link.script(lua.TAKE_LOCK, [keys.lock], [owner, String(ms)])) === 1;
    },
    async unlock(owner) {
      await link.script(lua.DROP_LOCK, [keys.lock], [owner]);
    },
    async ping() {
      await link.command(['PING']);
    },
    close: () => link.close(),
  };
}

function strings(answer: unknown): string[] {
  return Array.isArray(answer) ? answer.map(String) : [];
}

/** Score of a start in the index. One that is no time sorts last. */
function scoreOf(startedAt: string): string {
  const ms = Date.parse(startedAt);
  return String(Number.isNaN(ms) ? 0 : ms);
}

/** What stands for the place of a rebuild; nonsense is no place. */
function placeOf(text: string | null | undefined): Started | undefined {
  try {
    const value = JSON.parse(text ?? '') as Partial<Started> | null;
    if (typeof value?.job !== 'string' || typeof value.startedAt !== 'string') return undefined;
    return { startedAt: value.startedAt, job: value.job };
  } catch {
    return undefined;
  }
}
