import { planOf, SCHEDULE_ID, type ScheduleDefinition } from '../../domain/schedule/schedule.ts';
import { nextTimes } from '../../domain/schedule/times.ts';
import { specText } from '../../domain/schedule/words.ts';
import { ScheduleError } from '../../schedules/errors.ts';
import type { ScheduleView } from '../../schedules/schedule-view.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiProblem, type ProblemCode } from '../problems.ts';
import { listQuery } from '../request-schemas.ts';
import { type Reply, type Route, route } from '../route.ts';
import { refuseManaged, replacement, resourceOf, schedulePlan } from '../schedule-request.ts';
import * as schemas from '../schedule-schemas.ts';
import { checkRevision, ifMatch } from '../written.ts';

/** Why a plan is refused. */
const REFUSALS: readonly ProblemCode[] = [
  'connector_not_found',
  'filter_invalid',
  'scanner_not_named',
  'scanner_unknown',
  'standin_refused',
];

export function scheduleRoutes(deps: ApiDeps): readonly Route[] {
  const store = () => deps.control.schedules;
  const told = async (id: string, status: number): Promise<Reply> => {
    const body = resourceOf(await store().get(id));
    return { status, body, revision: body.revision };
  };
  const problems: readonly ProblemCode[] = ['schedule_not_found', 'temporal_unreachable'];
  /** Who named the revision in `If-Match` is refused by that. */
  const replaceSeen = async (
    id: string,
    match: ReturnType<typeof ifMatch>,
    make: (before: ScheduleView) => ScheduleDefinition,
  ): Promise<void> => {
    let there = 0;
    try {
      await store().replace(id, (before) => {
        there = before.revision;
        return make(before);
      });
    } catch (error) {
      if (error instanceof ScheduleError && error.code === 'schedule_changed') checkRevision(match, there);
      throw error;
    }
  };

  const steer = (verb: 'pause' | 'resume', summary: string): Route =>
    route({
      method: 'POST',
      path: `/schedules/:id/${verb}`,
      role: 'operator',
      summary,
      params: schemas.scheduleParams,
      json: schemas.noteBody,
      optionalBody: true,
      answers: { 200: schemas.scheduleResource },
      problems,
      handle: async ({ params: { id }, body, actor }) => {
        known(id);
        await store()[verb](id, body.note ?? `${verb}d by ${actor}`);
        return told(id, 200);
      },
    });

  return [
    route({
      method: 'POST',
      path: '/schedules/preview',
      role: 'operator',
      summary: 'Checks a schedule, and tells its next times; makes nothing.',
      json: schemas.createScheduleBody,
      answers: { 200: schemas.schedulePreview },
      problems: REFUSALS,
      handle: async ({ body }) => {
        const { id, spec } = schedulePlan(deps, body.id, body);
        const next = nextTimes(spec, Date.now(), 10).map((time) => new Date(time).toISOString());
        return { status: 200, body: { id, when: specText(spec), next } };
      },
    }),
    route({
      method: 'POST',
      path: '/schedules',
      role: 'operator',
      summary: 'Makes a schedule that starts scans of a connector.',
      json: schemas.createScheduleBody,
      answers: { 201: schemas.scheduleResource },
      problems: [...REFUSALS, 'schedule_exists', 'temporal_unreachable'],
      handle: async ({ body, actor }) => {
        const { id, paused, note } = body;
        const plan = schedulePlan(deps, id, body);
        const made = { managed: 'api', createdBy: actor, createdAt: new Date().toISOString(), revision: 1 } as const;
        const state = { ...(paused !== undefined && { paused }), ...(note !== undefined && { note }) };
        await store().create({ ...plan, ...made }, state);
        return told(id, 201);
      },
    }),
    route({
      method: 'GET',
      path: '/schedules',
      role: 'viewer',
      summary: 'Schedules by their id.',
      query: listQuery,
      answers: { 200: schemas.scheduleList },
      problems: ['temporal_unreachable'],
      handle: async ({ query: { limit, after } }) => {
        const { schedules: views, next } = await store().list(limit, after);
        return { status: 200, body: { schedules: views.map(resourceOf), ...(next !== undefined && { next }) } };
      },
    }),
    route({
      method: 'GET',
      path: '/schedules/:id',
      role: 'viewer',
      summary: 'A schedule, its next times, and whether it is paused.',
      params: schemas.scheduleParams,
      answers: { 200: schemas.scheduleResource },
      problems,
      handle: async ({ params: { id } }) => told(known(id), 200),
    }),
    route({
      method: 'PUT',
      path: '/schedules/:id',
      role: 'operator',
      summary: 'Puts another definition in the place of the revision that was seen.',
      params: schemas.scheduleParams,
      json: schemas.replaceScheduleBody,
      answers: { 200: schemas.scheduleResource },
      ifMatch: true,
      problems: [...REFUSALS, ...problems, 'schedule_changed', 'schedule_managed', 'precondition_failed'],
      handle: async ({ params: { id }, body, actor, request }) => {
        const match = ifMatch(request);
        if (body.revision === undefined && match === undefined) throw revisionNeeded();
        const plan = schedulePlan(deps, known(id), body);
        const seen = typeof match === 'number' ? match : undefined;
        await replaceSeen(id, match, (before) => {
          const there = before.revision;
          // Both must fit where both are named.
          const named = seen === undefined || seen === there ? (body.revision ?? there) : seen;
          return replacement(before, plan, named, actor);
        });
        return told(id, 200);
      },
    }),
    route({
      method: 'DELETE',
      path: '/schedules/:id',
      role: 'operator',
      summary: 'Deletes a schedule. A scan that it started goes on.',
      params: schemas.scheduleParams,
      answers: { 200: schemas.scheduleDeleted },
      ifMatch: true,
      problems: [...problems, 'schedule_changed', 'schedule_managed', 'precondition_failed'],
      handle: async ({ params: { id }, actor, request }) => {
        const match = ifMatch(request);
        const there = await store().get(known(id));
        refuseManaged(there);
        checkRevision(match, there.revision);
        // Temporal deletes whatever is there: so the revision is taken first, and whoever changes it now is too late.
        if (typeof match === 'number') {
          await replaceSeen(id, match, (before) => replacement(before, planOf(before), match, actor));
        }
        await store().delete(id);
        return { status: 200, body: { id, deleted: true } };
      },
    }),
    steer('pause', 'No time starts a run any more; a scan that runs goes on.'),
    steer('resume', 'Times start runs again; those that went by are not made up for.'),
    route({
      method: 'POST',
      path: '/schedules/:id/trigger',
      role: 'operator',
      summary: 'Begins a run now, unless one goes on.',
      params: schemas.scheduleParams,
      json: schemas.noteBody.pick({}),
      optionalBody: true,
      answers: { 202: schemas.scheduleResource },
      problems: [...problems, 'schedule_running'],
      handle: async ({ params: { id } }) => {
        await store().trigger(known(id));
        return told(id, 202);
      },
    }),
    route({
      method: 'POST',
      path: '/schedules/:id/backfill',
      role: 'operator',
      summary: 'Begins runs for times that went by.',
      params: schemas.scheduleParams,
      json: schemas.backfillBody,
      answers: { 202: schemas.scheduleResource },
      problems,
      handle: async ({ params: { id }, body: { start, end, overlap = 'skip' } }) => {
        await store().backfill(known(id), new Date(start), new Date(end), overlap);
        return told(id, 202);
      },
    }),
    route({
      method: 'GET',
      path: '/schedules/:id/runs',
      role: 'viewer',
      summary: 'The last runs of a schedule, newest first, each with its job and outcome.',
      params: schemas.scheduleParams,
      query: listQuery.pick({ limit: true }),
      answers: { 200: schemas.scheduleRuns },
      problems,
      handle: async ({ params: { id }, query: { limit } }) => ({
        status: 200,
        body: await store().runs(known(id), limit),
      }),
    }),
  ];
}

/** What can't be the id of a schedule is not looked for. @throws ScheduleError `schedule_not_found` */
function known(id: string): string {
  if (SCHEDULE_ID.test(id)) return id;
  throw new ScheduleError('schedule_not_found', `There is no schedule ${JSON.stringify(id.slice(0, 100))}.`);
}

function revisionNeeded(): ApiProblem {
  const message = 'name the revision that was seen, here or in If-Match';
  return new ApiProblem('request_invalid', `body: revision: ${message}.`, {
    extra: { in: 'body', errors: [{ field: 'revision', message }] },
  });
}
