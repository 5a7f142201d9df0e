import type { Client } from '@temporalio/client';
import { ScheduleError } from '../schedules/errors.ts';
import { countRuns, type RunCounts, type ScheduleRun, scheduleRuns } from '../schedules/runs.ts';
import { createScheduleStore, type ScheduleStore } from '../schedules/store.ts';
import type { Asking } from './gate-control.ts';

/** What the API asks of the schedules. Every method throws ScheduleError, ControlError. Deadline 10 s, of the list 30 s. */
export interface ScheduleCalls extends Omit<ScheduleStore, 'ids'> {
  runs(id: string, limit: number): Promise<{ runs: ScheduleRun[]; counts: RunCounts }>;
}

export function createScheduleCalls(
  client: Client,
  asking: Asking,
  deadlines: { readonly steer: number; readonly check: number },
): ScheduleCalls {
  const store = createScheduleStore(client);

  /** What the store refuses is no fault of Temporal's. */
  async function call<T>(what: string, run: () => Promise<T>, ms = deadlines.steer): Promise<T> {
    const answer = await asking(what, undefined, ms, async () => {
      try {
        return { value: await run() };
      } catch (refused) {
        if (refused instanceof ScheduleError) return { refused };
        throw refused;
      }
    });
    if ('refused' in answer) throw answer.refused;
    return answer.value;
  }

  return {
    create: (definition, state) => call(`schedule ${definition.id}`, () => store.create(definition, state)),
    get: (id) => call(`schedule ${id}`, () => store.get(id)),
    list: (limit, after) => call('the schedules', () => store.list(limit, after), deadlines.check),
    replace: (id, make) => call(`the change of schedule ${id}`, () => store.replace(id, make)),
    pause: (id, note) => call(`the pause of schedule ${id}`, () => store.pause(id, note)),
    resume: (id, note) => call(`the resume of schedule ${id}`, () => store.resume(id, note)),
    trigger: (id) => call(`the trigger of schedule ${id}`, () => store.trigger(id)),
    backfill: (id, ...stretch) => call(`the backfill of schedule ${id}`, () => store.backfill(id, ...stretch)),
    delete: (id) => call(`the deletion of schedule ${id}`, () => store.delete(id)),
    runs: (id, limit) =>
      call(`the runs of schedule ${id}`, async () => {
        await store.get(id);
        const [runs, counts] = await Promise.all([scheduleRuns(client, id, limit), countRuns(client, id)]);
        return { runs, counts };
      }),
  };
}
