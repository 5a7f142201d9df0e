import type { Source } from '../../domain/job.ts';
import type { Change } from '../../status/changes.ts';
import { StatusUnavailable } from '../../status/errors.ts';
import type { FeedEvent, FeedType } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { problemOf } from '../problem-of.ts';
import type { SharedLooks } from '../shared-looks.ts';

/** An event as it goes to every reader who wants it. */
export interface Frame {
  readonly id: string;
  readonly type: FeedType | 'open' | 'reset';
  readonly job?: string;
  /** Id of the source, or of the connector. */
  readonly source?: string;
  /** The whole frame of the stream. */
  readonly text: string;
}

/** Jobs whose source is remembered. */
const REMEMBERED = 5_000;

export function frameOf(id: string, event: FeedEvent, about: { job?: string; source?: string } = {}): Frame {
  const { type, ...data } = event;
  return { id, type, ...about, text: `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n` };
}

/**
 * Turns changes into frames, in their order. Of several changes of one job or connector the last one is told, with what it is now.
 * What can't be looked up any more is left out.
 * @throws StatusUnavailable
 */
export function createFrames(deps: Pick<ApiDeps, 'status' | 'log'>, looks: SharedLooks) {
  const sources = new Map<string, Source>();

  async function jobOf(job: string, change: string) {
    try {
      const now = await looks.job(job, change);
      sources.delete(job);
      sources.set(job, now.source);
      if (sources.size > REMEMBERED) for (const oldest of [...sources.keys()].slice(0, 1)) sources.delete(oldest);
      return now;
    } catch (error) {
      deps.log.debug({ job, code: problemOf(error).code }, 'an event of a job that nobody can tell about');
      return undefined;
    }
  }

  async function frame(change: Change): Promise<Frame | undefined> {
    const { id, type } = change;
    if (type === 'connector') {
      const { connector } = change;
      const watch = await deps.status?.watch(connector);
      return frameOf(id, { type, connector, ...(watch !== undefined && { watch }) }, { source: connector });
    }
    const { job } = change;
    if (type === 'job') {
      const now = await jobOf(job, id);
      return now && frameOf(id, { type, job: now }, { job, source: now.source.id });
    }
    const source = sources.get(job) ?? (await jobOf(job, id))?.source;
    return source && frameOf(id, { type, job, source, row: change.row }, { job, source: source.id });
  }

  return async (changes: readonly Change[]): Promise<Frame[]> => {
    const last = new Map<string, string>();
    for (const change of changes) if (change.type !== 'finding') last.set(subject(change), change.id);
    const told = changes.filter((change) => change.type === 'finding' || last.get(subject(change)) === change.id);
    const frames = await Promise.all(told.map(frame));
    return frames.filter((one) => one !== undefined);
  };
}

function subject(change: Change): string {
  return change.type === 'connector' ? `connector ${change.connector}` : `job ${change.job}`;
}

export function isStatusDown(error: unknown): boolean {
  return error instanceof StatusUnavailable;
}
