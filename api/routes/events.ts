import { z } from 'zod';
import { messageOf } from '../../domain/errors.ts';
import { DeliveryError } from '../../intake/delivery.ts';
import { readBytes } from '../body.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiProblem } from '../problems.ts';
import { type Call, type Route, route } from '../route.ts';

/** Most bytes of bodies at once: nobody has proven anything yet. Counted as they arrive, so that who sends nothing takes no room. */
const MOST_BYTES = 64 * 1024 * 1024;
/** A fault of one kind at one door is logged once in this time, in milliseconds. */
const LOG_EVERY_MS = 10_000;
/** Who may ask by CloudEvents whether events are wanted: Event Grid, in Azure's clouds. */
const ASKERS = /^eventgrid\.azure\.(?:net|us|cn)$/;

const params = z.object({ source: z.string().max(32), connector: z.string().max(63) });
const query = z.record(z.string(), z.union([z.string(), z.array(z.string())]));
type Params = z.output<typeof params>;

/** Where sources call. There is no key: each source proves itself by its own means, or nothing is taken. */
export function eventRoutes(deps: ApiDeps): readonly Route[] {
  let bytes = 0;
  const logged = new Map<string, number>();

  /** @throws ApiProblem `webhook_not_found`, the same for connectors that there are not, and that are not called for */
  const refuseUnknown = ({ source, connector }: Params): void => {
    if (!deps.webhooks.has(source, connector)) throw new ApiProblem('webhook_not_found', 'Nobody is to call here.');
  };

  const warn = ({ source, connector }: Params, error: DeliveryError): void => {
    const name = `${source}/${connector}/${error.code}`;
    if (Date.now() - (logged.get(name) ?? 0) < LOG_EVERY_MS) return;
    logged.set(name, Date.now());
    const cause = error.cause === undefined ? '' : ` (${messageOf(error.cause)})`;
    deps.log.warn({ source, connector, code: error.code }, `a delivery was not taken: ${error.message}${cause}`);
  };

  const take = async ({
    params: door,
    query: asked,
    request,
    response,
  }: Call<Params, z.output<typeof query>, unknown>) => {
    refuseUnknown(door);
    let held = 0;
    const hold = (more: number): void => {
      held += more;
      bytes += more;
      if (bytes <= MOST_BYTES) return;
      throw new ApiProblem('over_capacity', 'Too much arrives at once.', { extra: { retryAfterSeconds: 1 } });
    };
    try {
      const body = await readBytes(request, hold);
      const at = new Date().toISOString();
      const delivery = { headers: request.headers, query: asked, body, at };
      const answer = await deps.webhooks.take(door.source, door.connector, delivery);
      response.writeHead(answer.status, { 'Content-Type': answer.type }).end(answer.body);
      return undefined;
    } catch (error) {
      if (error instanceof DeliveryError) warn(door, error);
      throw error;
    } finally {
      bytes -= held;
    }
  };

  return [
    route({
      method: 'POST',
      path: '/events/:source/:connector',
      role: 'signed',
      summary: 'Takes what a source tells of a connector. Answered once the events are written down and handed over.',
      params,
      query,
      rawBody: true,
      echoes: true,
      answers: {
        200: z.object({ taken: z.int(), ignored: z.int() }),
        202: z.object({}),
      },
      problems: [
        'webhook_not_found',
        'delivery_unverified',
        'delivery_refused',
        'delivery_invalid',
        'delivery_repeated',
        'delivery_in_hand',
        'verification_unavailable',
        'over_capacity',
        'intake_unavailable',
        'body_too_large',
      ],
      handle: take,
    }),
    route({
      method: 'OPTIONS',
      path: '/events/:source/:connector',
      role: 'signed',
      summary: 'Tells Event Grid that events are wanted here, as CloudEvents ask.',
      params,
      query,
      answers: { 200: z.undefined() },
      problems: ['webhook_not_found', 'delivery_refused'],
      handle: async ({ params: door, request, response }) => {
        refuseUnknown(door);
        const asker = request.headers['webhook-request-origin'];
        if (door.source !== 'event-grid' || typeof asker !== 'string' || !ASKERS.test(asker.toLowerCase())) {
          throw new ApiProblem('delivery_refused', 'The sender is not configured.');
        }
        const allowed = {
          'WebHook-Allowed-Origin': asker.toLowerCase(),
          'WebHook-Allowed-Rate': '*',
          Allow: 'OPTIONS, POST',
        };
        response.writeHead(200, { ...allowed, 'Content-Length': '0' }).end();
        return undefined;
      },
    }),
  ];
}
