import { isDeepStrictEqual } from 'node:util';
import {
  type Client,
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  type ScheduleHandle,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import {
  type BackfillOverlap,
  CATCH_UP_SECONDS,
  type Manager,
  type ScheduleDefinition,
} from '../domain/schedule/schedule.ts';
import { QUEUE, RUN_MEMO, SEARCH_ATTRIBUTE, scheduleRunId, WORKFLOW } from '../workflows/messages.ts';
import { updateAsSeen } from './conditional-client.ts';
import { ScheduleError } from './errors.ts';
import { type ScheduleView, viewOf } from './schedule-view.ts';
import { temporalSpec } from './temporal-spec.ts';

/** Our schedules among others of the namespace. */
const PREFIX = 'dsx-schedule:';
/** Most schedules that are looked through for a list. */
const MOST = 10_000;
const ASKED_AT_ONCE = 8;
/** A change that others overtake is tried so often: each time from what is there then. */
const ATTEMPTS = 10;
/** Of gRPC. */
const FAILED_PRECONDITION = 9;
/** Most schedules of one page: each is asked for by itself. */
const LONGEST_PAGE = 100;

const key = (name: string) => defineSearchAttributeKey(name, 'KEYWORD');

/** The schedules, kept by Temporal. Every method throws ScheduleError, and what the client throws. */
export interface ScheduleStore {
  /** @throws ScheduleError `schedule_exists` */
  create(definition: ScheduleDefinition, state?: { readonly paused?: boolean; readonly note?: string }): Promise<void>;
  /** @throws ScheduleError `schedule_not_found`, as all below */
  get(id: string): Promise<ScheduleView>;
  /** All ids in order, or those that are managed so, by visibility (which lags by a second or so). */
  ids(managed?: Manager): Promise<string[]>;
  /** Those behind `after`, at most `limit` and at most 100; `next` when there are more. */
  list(limit: number, after?: string): Promise<{ schedules: ScheduleView[]; next?: string }>;
  /** Puts another definition in the place of the one that `make` is given. What it throws is thrown. Pause and note stay as they are. */
  replace(id: string, make: (before: ScheduleView) => ScheduleDefinition): Promise<void>;
  pause(id: string, note: string): Promise<void>;
  resume(id: string, note: string): Promise<void>;
  /** Begins a run now, also while paused. @throws ScheduleError `schedule_running` when it would be beside another */
  trigger(id: string): Promise<void>;
  /** Begins runs for the times from `start` to `end` (both included). */
  backfill(id: string, start: Date, end: Date, overlap: BackfillOverlap): Promise<void>;
  delete(id: string): Promise<void>;
}

export function createScheduleStore(client: Client): ScheduleStore {
  const { schedule } = client;
  const handle = (id: string): ScheduleHandle => schedule.getHandle(PREFIX + id);

  async function get(id: string): Promise<ScheduleView> {
    const view = viewOf(await found(id, () => handle(id).describe()));
    if (view === undefined) throw missing(id);
    return view;
  }

  async function ids(managed?: Manager): Promise<string[]> {
    const all: string[] = [];
    for await (const { scheduleId, memo } of schedule.list({ pageSize: 1_000 })) {
      const wanted = managed === undefined || memo?.managed === managed;
      if (wanted && scheduleId.startsWith(PREFIX)) all.push(scheduleId.slice(PREFIX.length));
      if (all.length >= MOST) break;
    }
    return all.sort();
  }

  return {
    get,
    ids,

    async create(definition, state = {}) {
      const { id, connector, managed } = definition;
      try {
        await schedule.create({
          ...optionsOf(definition),
          scheduleId: PREFIX + id,
          memo: { connector, managed },
          state: { paused: state.paused ?? false, ...(state.note !== undefined && { note: state.note }) },
        });
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw error;
        throw new ScheduleError('schedule_exists', `There is a schedule ${id} already.`, { cause: error });
      }
    },

    async list(limit, after) {
      const behind = (await ids()).filter((id) => after === undefined || id > after);
      const wanted = behind.slice(0, Math.min(limit, LONGEST_PAGE));
      const schedules: ScheduleView[] = [];
      for (let at = 0; at < wanted.length; at += ASKED_AT_ONCE) {
        const step = wanted.slice(at, at + ASKED_AT_ONCE);
        const views = await Promise.all(step.map((id) => get(id).catch(unlessGone)));
        schedules.push(...views.filter((view) => view !== undefined));
      }
      const last = wanted.at(-1);
      return { schedules, ...(behind.length > wanted.length && last !== undefined && { next: last }) };
    },

    async replace(id, make) {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        let made: ScheduleDefinition | undefined;
        await found(id, () =>
          updateAsSeen(client, PREFIX + id, (before) => {
            const view = viewOf(before);
            if (view === undefined) throw missing(id);
            made = make(view);
            const { spec, action, policies } = optionsOf(made);
            const { paused, note } = before.state;
            return { spec, action, policies, state: { paused, ...(note && { note }) } };
          }).catch(unlessOvertaken),
        );
        if (made !== undefined && holds(await get(id), made)) return;
      }
      throw new ScheduleError(
        'schedule_changed',
        `Schedule ${id} is being changed by others all the time. Look again.`,
      );
    },

    pause: (id, note) => found(id, () => handle(id).pause(note)),
    resume: (id, note) => found(id, () => handle(id).unpause(note)),

    async trigger(id) {
      const { running } = await get(id);
      const [run] = running;
      if (run !== undefined) {
        throw new ScheduleError('schedule_running', `A run of schedule ${id} goes on, so nothing was started: ${run}.`);
      }
      // Named, because Temporal would begin a run beside another one without it.
      await found(id, () => handle(id).trigger(ScheduleOverlapPolicy.SKIP));
    },

    async backfill(id, start, end, overlap) {
      const policy = overlap === 'skip' ? ScheduleOverlapPolicy.SKIP : ScheduleOverlapPolicy.BUFFER_ALL;
      // Temporal leaves out the first moment.
      await found(id, () => handle(id).backfill({ start: new Date(start.getTime() - 1), end, overlap: policy }));
    },

    delete: (id) => found(id, () => handle(id).delete()),
  };
}

/** Whether it is the definition that was made, and not another one of the same revision. */
function holds(view: ScheduleView, made: ScheduleDefinition): boolean {
  const there = new Map(Object.entries(view));
  return Object.entries(made).every(([name, value]) => isDeepStrictEqual(there.get(name), value));
}

/** A change that came in between: whether it was left undone for that, a look tells. */
function unlessOvertaken(error: unknown): void {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (isGrpcServiceError(at) && at.code === FAILED_PRECONDITION) return;
  }
  throw error;
}

/** What Temporal is told: the definition itself is the argument of its runs. */
function optionsOf(definition: ScheduleDefinition) {
  const { id, connector, spec, overlap, mode } = definition;
  return {
    spec: temporalSpec(spec),
    action: {
      type: 'startWorkflow' as const,
      workflowType: WORKFLOW.scheduledScan,
      workflowId: scheduleRunId(id),
      taskQueue: QUEUE.orchestrate,
      args: [definition],
      staticSummary: `Schedule ${id}: ${mode} scan of ${connector}`,
      memo: { schedule: id, connector, mode, [RUN_MEMO]: { outcome: 'waiting' } },
      typedSearchAttributes: [
        { key: key(SEARCH_ATTRIBUTE.schedule), value: id },
        { key: key(SEARCH_ATTRIBUTE.connector), value: connector },
        { key: key(SEARCH_ATTRIBUTE.state), value: 'waiting' },
      ],
    },
    policies: {
      overlap: overlap === 'skip' ? ScheduleOverlapPolicy.SKIP : ScheduleOverlapPolicy.BUFFER_ONE,
      catchupWindow: CATCH_UP_SECONDS * 1000,
      pauseOnFailure: false,
    },
  } satisfies Pick<ScheduleOptions, 'spec' | 'action' | 'policies'>;
}

async function found<T>(id: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof ScheduleNotFoundError ? missing(id, error) : error;
  }
}

function missing(id: string, cause?: unknown): ScheduleError {
  return new ScheduleError('schedule_not_found', `There is no schedule ${JSON.stringify(id)}.`, { cause });
}

/** Deleted between the list and the look. */
function unlessGone(error: unknown): undefined {
  if (error instanceof ScheduleError && error.code === 'schedule_not_found') return undefined;
  throw error;
}
