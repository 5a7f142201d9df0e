import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Express, NextFunction, Request, Response } from 'express';
import { z } from 'zod';
import { hasBody, mediaType, readJson, refuseEncoding } from './body.ts';
import { API_PREFIX } from './contract.ts';
import { ApiProblem, type ProblemCode } from './problems.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';

/** What a handler is given: everything parsed. */
export interface Call<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Who asks, as far as this API knows. */
  readonly actor: string;
  /** Fires when the client has gone before its answer. */
  readonly signal: AbortSignal;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** A status and a JSON body, or undefined when the handler wrote the answer itself. */
export type Reply = { readonly status: number; readonly body: unknown } | undefined;

/** One line of the table of routes: what drives dispatch, validation and the description of the API. */
export interface Route {
  readonly method: Method;
  /** Below the prefix, with `:name` for parameters. */
  readonly path: string;
  readonly summary: string;
  /** Asks for no key: its handler has other means to know who calls, or it tells nothing. */
  readonly open?: true;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType;
  /** By media type; a `stream` is handed on unread, and so is a `raw` body, of any type. An optional JSON body that is not there counts as `{}`. */
  readonly bodies: {
    readonly json?: z.ZodType;
    readonly stream?: 'application/octet-stream';
    readonly optional?: true;
    readonly raw?: true;
  };
  /** By status. `stream` is `text/event-stream`. */
  readonly answers: Readonly<Record<number, z.ZodType | 'stream'>>;
  readonly problems: readonly ProblemCode[];
  readonly handle: (call: Call<never, never, never>) => Promise<Reply>;
}

/** A route whose handler gets what its schemas say. */
export function route<
  P extends z.ZodType = z.ZodType<undefined>,
  Q extends z.ZodType = z.ZodType<Record<never, never>>,
  B extends z.ZodType = z.ZodType<undefined>,
>(spec: {
  method: Method;
  path: string;
  summary: string;
  params?: P;
  query?: Q;
  json?: B;
  stream?: 'application/octet-stream';
  optionalBody?: true;
  rawBody?: true;
  open?: true;
  answers: Route['answers'];
  problems?: readonly ProblemCode[];
  handle: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<Reply>;
}): Route {
  return {
    method: spec.method,
    path: spec.path,
    summary: spec.summary,
    ...(spec.open !== undefined && { open: spec.open }),
    params: spec.params,
    query: spec.query ?? z.strictObject({}),
    bodies: {
      ...(spec.json !== undefined && { json: spec.json }),
      ...(spec.stream !== undefined && { stream: spec.stream }),
      ...(spec.optionalBody !== undefined && { optional: spec.optionalBody }),
      ...(spec.rawBody !== undefined && { raw: spec.rawBody }),
    },
    answers: spec.answers,
    problems: spec.problems ?? [],
    handle: spec.handle as unknown as Route['handle'],
  };
}

/** Puts the table into the app: every path answers its methods, and 405 with `Allow` to all others. */
export function mountRoutes(app: Express, routes: readonly Route[], actor: string): void {
  const paths = Map.groupBy(routes, (r) => r.path);
  for (const [path, served] of paths) {
    const allow = served
      .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
      .sort()
      .join(', ');
    app.all(`${API_PREFIX}${path}`, async (request: Request, response: Response, _next: NextFunction) => {
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      const found = served.find((r) => r.method === method);
      if (found === undefined) {
        response.set('Allow', allow);
        throw new ApiProblem('method_not_allowed', `${request.method} is not served here; ${allow} is.`);
      }
      const reply = await found.handle(await callOf(found, request, response, actor));
      if (reply !== undefined) response.status(reply.status).json(reply.body);
    });
  }
}

async function callOf(
  found: Route,
  request: Request,
  response: Response,
  actor: string,
): Promise<Call<never, never, never>> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client has gone'));
  });
  const params = found.params === undefined ? undefined : checked(found.params, request.params, 'path');
  const query = checked(found.query, request.query, 'query');
  const body = await bodyOf(found, request);
  return { params, query, body, actor, signal: gone.signal, request, response } as unknown as Call<never, never, never>;
}

async function bodyOf(found: Route, request: Request): Promise<unknown> {
  const { json, stream, optional, raw } = found.bodies;
  if (raw) refuseEncoding(request);
  if (json === undefined && stream === undefined) return undefined;
  refuseEncoding(request);
  const type = mediaType(request);
  if (stream !== undefined && type === stream) return undefined;
  if (optional && !hasBody(request)) return checked(json as z.ZodType, {}, 'body');
  if (json === undefined || type !== 'application/json') {
    const accepted = [json && 'application/json', stream].filter((t) => t !== undefined).join(' or ');
    throw new ApiProblem('unsupported_media_type', `Send a body with Content-Type: ${accepted}.`);
  }
  return checked(json, await readJson(request), 'body');
}

/** @throws ApiProblem `request_invalid` that names the field, and all fields in `errors` */
function checked(schema: z.ZodType, value: unknown, where: 'path' | 'query' | 'body'): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues
    .slice(0, 20)
    .map((issue) => ({ field: issue.path.join('.') || where, message: issue.message }));
  const first = errors[0];
  throw new ApiProblem('request_invalid', `${where}: ${first?.field}: ${first?.message}`, {
    extra: { in: where, errors },
  });
}
