import type { WatchHealth } from '../../domain/watch.ts';
import { StatusUnavailable } from '../../status/errors.ts';
import { connectorDetail } from '../answer-schemas.ts';
import { withEvents } from '../connector-events.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiProblem } from '../problems.ts';
import { connectorParams, controlBody } from '../request-schemas.ts';
import { type Route, route } from '../route.ts';
import { findConnector } from '../start-request.ts';
import { watchHealth } from '../watch-schemas.ts';

const SUMMARIES = {
  pause: 'Stops asking the source of a connector, and its sweeps.',
  resume: 'Goes on watching.',
  sweep: 'Has a sweep begin at once, unless one runs.',
} as const;

/** One connector, with how it is watched; and the steering of that. */
export function watchRoutes(deps: ApiDeps): readonly Route[] {
  const steer = (verb: keyof typeof SUMMARIES): Route =>
    route({
      method: 'POST',
      path: `/connectors/:id/watch/${verb}`,
      role: 'operator',
      summary: SUMMARIES[verb],
      params: connectorParams,
      json: controlBody,
      optionalBody: true,
      answers: { 200: watchHealth },
      problems: [
        'connector_not_found',
        'not_watched',
        ...(verb === 'sweep' ? (['sweeps_off'] as const) : []),
        'no_worker',
        'temporal_unreachable',
      ],
      handle: async ({ params: { id }, body, actor }) => {
        if (findConnector(deps, id).watched !== true) {
          throw new ApiProblem('not_watched', `Connector ${id} has no field watch in the configuration.`);
        }
        const reason = body.reason !== undefined && { reason: body.reason };
        return { status: 200, body: await deps.control.steerWatch(verb, id, { actor, ...reason }) };
      },
    });
  return [
    route({
      method: 'GET',
      path: '/connectors/:id',
      role: 'viewer',
      summary: 'One connector, and how it is watched.',
      params: connectorParams,
      answers: { 200: connectorDetail },
      problems: ['connector_not_found'],
      handle: async ({ params }) => {
        const [found = findConnector(deps, params.id)] = await withEvents(deps, [findConnector(deps, params.id)]);
        const watch = found.watched === true ? await healthOf(deps, found.id) : undefined;
        const body = { ...found, ...(watch !== undefined && { watch }) };
        const entry = deps.made?.get(found.id)?.entry;
        if (entry === undefined) return { status: 200, body };
        return { status: 200, body: { ...body, definition: entry.definition }, revision: entry.revision };
      },
    }),
    steer('pause'),
    steer('resume'),
    steer('sweep'),
  ];
}

/** From the status; where that knows nothing, from the workflow. Undefined when neither answers. */
async function healthOf({ status, control }: ApiDeps, connector: string): Promise<WatchHealth | undefined> {
  try {
    const known = await status?.watch(connector);
    if (known !== undefined) return known;
  } catch (error) {
    if (!(error instanceof StatusUnavailable)) throw error;
  }
  // A connector is shown all the same.
  return await control.watch(connector).catch(() => undefined);
}
