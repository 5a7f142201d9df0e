import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { type Route, route } from '../route.ts';
import { rowsOfTask } from './task-rows.ts';
import { stateOf, taskState } from './task-state.ts';

/** Longer than any id that is answered. Characters. */
const LONGEST = 400;

/** How a task stands: read from the ledger, as the result of `GET scan/results/:task` is. */
export function taskRoute(deps: Pick<ApiDeps, 'ledger'>): Route {
  return route({
    method: 'GET',
    path: '/scan/request/:task',
    summary: 'How the items of a task stand: SUCCESS once all of them are judged, FAILURE once one is known not to be.',
    role: 'viewer',
    old: true,
    params: z.object({ task: z.string().max(LONGEST) }),
    answers: { 200: taskState },
    problems: ['ledger_unavailable'],
    handle: async ({ params: { task }, response }) => {
      const state = stateOf(task, await rowsOfTask(await deps.ledger.open(), task));
      response.setHeader('Cache-Control', 'no-store');
      if (state.state === 'PENDING') response.setHeader('Retry-After', '2');
      return { status: 200, body: state };
    },
  });
}
