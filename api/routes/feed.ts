import { z } from 'zod';
import { FEED_TYPES, type FeedType } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { EVENT_STREAM, lastEventId } from '../event-stream.ts';
import { createFeed } from '../feed/feed.ts';
import { createFeedReader } from '../feed/reader.ts';
import { ApiProblem } from '../problems.ts';
import { type Route, route } from '../route.ts';
import type { SharedLooks } from '../shared-looks.ts';

const query = z.strictObject({
  types: z
    .string()
    .regex(/^(job|finding|connector)(,(job|finding|connector))*$/, `must be some of ${FEED_TYPES.join(',')}`)
    .transform((text) => text.split(',') as FeedType[])
    .optional(),
  job: z.string().min(1).max(200).optional(),
  source: z.string().min(1).max(200).optional(),
});

/** What happens, of everything: jobs, findings and connectors. */
export function feedRoutes(deps: ApiDeps, looks: SharedLooks): readonly Route[] {
  const feed = deps.status === undefined ? undefined : createFeed(deps, deps.status, looks);
  return [
    route({
      method: 'GET',
      path: '/events',
      summary: 'Changes of jobs, findings and connectors as they come (server-sent events).',
      role: 'viewer',
      query,
      answers: { 200: 'stream' },
      problems: ['status_unavailable', 'too_many_streams', 'stopping'],
      handle: async ({ query: filter, request, response }) => {
        if (feed === undefined) throw new ApiProblem('status_unavailable', 'This API has no Redis: set REDIS_URL.');
        if (deps.stopping.aborted) throw new ApiProblem('stopping', 'This server is stopping; come back in a moment.');
        if (request.method === 'HEAD') response.writeHead(200, EVENT_STREAM).end();
        else await feed.serve(createFeedReader(response, filter, deps.stopping), lastEventId(request));
        return undefined;
      },
    }),
  ];
}
