import { planOf, type ScanChoice, type ScheduleDefinition, type SchedulePlan } from '../domain/schedule/schedule.ts';
import { specText } from '../domain/schedule/words.ts';
import { ScheduleError } from '../schedules/errors.ts';
import type { ScheduleView } from '../schedules/schedule-view.ts';
import { API_PREFIX } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import type { ScheduleBody, ScheduleResource } from './schedule-contract.ts';
import { specOf } from './schedule-schemas.ts';
import { startRequest } from './start-request.ts';

/** What a schedule is to be. @throws ApiProblem for every choice that a start would be refused for now */
export function schedulePlan(deps: ApiDeps, id: string, body: ScheduleBody): SchedulePlan {
  const { connector, mode = 'full', overlap = 'skip', weight, limits } = body;
  const scan = choiceOf(body);
  startRequest(deps, { connector, ...scan }, '');
  return planOf({
    id,
    connector,
    mode,
    spec: specOf(body),
    overlap,
    scan,
    ...(weight !== undefined && { weight }),
    ...(limits !== undefined && { limits }),
  });
}

/** The definition that takes the place of another one. @throws ScheduleError `schedule_managed`, `schedule_changed` */
export function replacement(
  before: ScheduleView,
  plan: SchedulePlan,
  revision: number,
  by: string,
): ScheduleDefinition {
  refuseManaged(before);
  if (before.revision !== revision) {
    const message = `Schedule ${before.id} was changed: revision ${revision} was seen, ${before.revision} is there now.`;
    throw new ScheduleError('schedule_changed', message);
  }
  const { managed, createdBy, createdAt } = before;
  const updatedAt = new Date().toISOString();
  return { ...plan, managed, createdBy, createdAt, updatedBy: by, updatedAt, revision: revision + 1 };
}

/** @throws ScheduleError `schedule_managed` */
export function refuseManaged({ id, managed }: Pick<ScheduleView, 'id' | 'managed'>): void {
  if (managed !== 'file') return;
  const message = `Schedule ${id} is kept in dsx-connect.yaml. Change it there, and start the orchestrator again.`;
  throw new ScheduleError('schedule_managed', message);
}

export function resourceOf(view: ScheduleView): ScheduleResource {
  const self = `${API_PREFIX}/schedules/${view.id}`;
  return { ...view, when: specText(view.spec), links: { self, runs: `${self}/runs` } };
}

function choiceOf(body: ScheduleBody): ScanChoice {
  const { filter, action, quarantine, dryRun, maxSize, scanner, maxActions, maxActionsWindow } = body;
  return {
    ...(filter !== undefined && { filter }),
    ...(action !== undefined && { action }),
    ...(quarantine !== undefined && { quarantine }),
    ...(dryRun !== undefined && { dryRun }),
    ...(maxSize !== undefined && { maxSize }),
    ...(scanner !== undefined && { scanner }),
    ...(maxActions !== undefined && { maxActions }),
    ...(maxActionsWindow !== undefined && { maxActionsWindow }),
  };
}
