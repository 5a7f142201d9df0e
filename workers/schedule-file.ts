import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../domain/errors.ts';
import { planOf, type ScheduleDefinition, type SchedulePlan, samePlan } from '../domain/schedule/schedule.ts';
import { ScheduleError } from '../schedules/errors.ts';
import type { ScheduleStore } from '../schedules/store.ts';
import type { Log } from './log.ts';

/** Who makes the schedules of the file. */
const ACTOR = 'dsx-connect.yaml';
/** First and longest wait before another try, in milliseconds. */
const TRY_AGAIN_MS = [1_000, 60_000] as const;

/** What was done to the schedules of the file, by id. */
export interface Reconciled {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly deleted: readonly string[];
  /** Ids of the file that schedules made through the API have: those stay as they are. */
  readonly taken: readonly string[];
}

/**
 * Makes the schedules that are kept in the file like the file; those made through the API are not touched, and whether one is paused
 * is nothing of the file's. Any number of processes with the same file may do so. @throws what the store throws
 */
export async function reconcileSchedules(store: ScheduleStore, plans: readonly SchedulePlan[]): Promise<Reconciled> {
  const done = { created: [] as string[], changed: [] as string[], deleted: [] as string[], taken: [] as string[] };
  for (const plan of plans) {
    const how = await put(store, plan);
    if (how !== 'same') done[how].push(plan.id);
  }
  const wanted = new Set(plans.map(({ id }) => id));
  for (const id of await store.ids('file')) {
    if (wanted.has(id)) continue;
    await store.delete(id).catch(unlessGone);
    done.deleted.push(id);
  }
  return done;
}

async function put(store: ScheduleStore, plan: SchedulePlan): Promise<'created' | 'changed' | 'taken' | 'same'> {
  const now = new Date().toISOString();
  const first = { ...planOf(plan), managed: 'file', revision: 1, createdBy: ACTOR, createdAt: now } as const;
  try {
    await store.create(first satisfies ScheduleDefinition);
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleError) || error.code !== 'schedule_exists') throw error;
  }
  const there = await store.get(plan.id);
  if (there.managed !== 'file') return 'taken';
  if (samePlan(there, plan)) return 'same';
  await store.replace(plan.id, (before) => {
    const { createdAt, createdBy, revision } = before;
    return { ...first, createdAt, createdBy, updatedAt: now, updatedBy: ACTOR, revision: revision + 1 };
  });
  return 'changed';
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ScheduleError) || error.code !== 'schedule_not_found') throw error;
}

/** Does so at the start of an orchestrator, and again until it was done. */
export class ScheduleFile {
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  start(store: ScheduleStore, plans: readonly SchedulePlan[], log: Pick<Log, 'info' | 'warn'>): void {
    this.#running ??= this.#run(store, plans, log);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(store: ScheduleStore, plans: readonly SchedulePlan[], log: Pick<Log, 'info' | 'warn'>): Promise<void> {
    const { signal } = this.#stopping;
    for (let wait: number = TRY_AGAIN_MS[0]; !signal.aborted; wait = Math.min(2 * wait, TRY_AGAIN_MS[1])) {
      try {
        const { taken, ...done } = await reconcileSchedules(store, plans);
        if (Object.values(done).some((ids) => ids.length > 0)) log.info(done, 'the schedules are those of the file');
        if (taken.length > 0)
          log.warn({ taken }, 'schedules made through the API have these ids: rename or delete one');
        return;
      } catch (error) {
        log.warn(`the schedules of the file could not be set up; it is tried again: ${messageOf(error)}`);
      }
      await sleep(wait, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}
