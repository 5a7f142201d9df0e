import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Express, NextFunction, Request, Response } from 'express';
import { z } from 'zod';
import { mayAct, type Role } from '../domain/role.ts';
import { type Caller, callerOf } from './auth/caller.ts';
import { hasBody, mediaType, readJson, refuseEncoding } from './body.ts';
import { API_PREFIX } from './contract.ts';
import { ApiProblem, type ProblemCode } from './problems.ts';
import { sendWritten, type Written, written } from './written.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';

/** What a handler is given: everything parsed. */
export interface Call<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Who asks, as far as this API knows: `open` where nobody need say. */
  readonly actor: string;
  readonly caller: Caller | undefined;
  /** Fires when the client has gone before its answer. */
  readonly signal: AbortSignal;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * A status and a JSON body (with its revision where that is what `If-Match` names), a body of a GET that is written down already, or undefined when
 * the handler wrote the answer itself.
 */
export type Reply =
  | { readonly status: number; readonly body: unknown; readonly revision?: number }
  | { readonly status: 200; readonly written: Written }
  | undefined;

/**
 * Who may ask: a role at least; `none`: anybody, also without a key; `signed`: no key, because the route itself verifies who sent it.
 * `none` is for what tells nothing but that the process answers.
 */
export type Access = Role | 'none' | 'signed';

/**
 * One line of the table of routes: what drives dispatch, validation, authorisation, the audit log and the description of the API.
 */
export interface Route {
  readonly method: Method;
  /** Below the prefix, with `:name` for parameters. */
  readonly path: string;
  readonly summary: string;
  readonly role: Access;
  /** The key may come as the password of Basic authentication, for a browser. Only for what changes nothing. */
  readonly basic: boolean;
  /** What the audit log keeps of a call: of a GET, or of what changes nothing, `none`; `bare`: all but the body. */
  readonly audit: 'none' | 'bare' | 'whole';
  /** The header `Idempotency-Key` is heeded. */
  readonly idempotent: boolean;
  /** One of the routes of the former product: its errors have that shape, and a JSON body may come without a content type. */
  readonly old: boolean;
  /** Of a route for `none`: who shows a key is told more, so he is looked for. */
  readonly greets: boolean;
  /** The header `If-Match` is heeded. */
  readonly ifMatch: boolean;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType;
  /** By media type; a `stream` is handed on unread, and so is a `raw` body, of any type. An optional JSON body that is not there counts as `{}`. */
  readonly bodies: {
    readonly json?: z.ZodType;
    readonly stream?: 'application/octet-stream';
    readonly optional?: true;
    readonly raw?: true;
  };
  /** By status. `stream` is `text/event-stream`, `file` whatever media type the file has. */
  readonly answers: Readonly<Record<number, z.ZodType | 'stream' | 'file'>>;
  /** A 200 may be plain text instead: what a vendor wants to have back. */
  readonly echoes: boolean;
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
  role: Access;
  basic?: true;
  /** Default: `none` for GET and for what is signed, else `whole`. */
  audit?: Route['audit'];
  idempotent?: true;
  old?: true;
  greets?: true;
  ifMatch?: true;
  echoes?: true;
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
    role: spec.role,
    basic: spec.basic ?? false,
    audit: spec.audit ?? (spec.method === 'GET' || spec.role === 'signed' ? 'none' : 'whole'),
    idempotent: spec.idempotent ?? false,
    old: spec.old ?? false,
    greets: spec.greets ?? false,
    ifMatch: spec.ifMatch ?? false,
    params: spec.params,
    query: spec.query ?? z.strictObject({}),
    bodies: {
      ...(spec.json !== undefined && { json: spec.json }),
      ...(spec.stream !== undefined && { stream: spec.stream }),
      ...(spec.optionalBody !== undefined && { optional: spec.optionalBody }),
      ...(spec.rawBody !== undefined && { raw: spec.rawBody }),
    },
    answers: spec.answers,
    echoes: spec.echoes ?? false,
    problems: spec.problems ?? [],
    handle: spec.handle as unknown as Route['handle'],
  };
}

/** When to come back after a 503 that says nothing better, in seconds. */
export const RETRY_SECONDS = '5';

/** What stands around every call. */
export interface Around {
  /** Runs a call of somebody who may make it. */
  readonly run: (found: Route, call: Call<never, never, never>) => Promise<Reply>;
  /** Told of a call that was refused for its role. */
  readonly refused: (found: Route, caller: Caller, request: Request) => Promise<void>;
}

/**
 * Puts the table into the app: every path answers its methods, and 405 with `Allow` to all others, unless a later path that fits the request too
 * answers them.
 */
export function mountRoutes(app: Express, routes: readonly Route[], around: Around): void {
  const paths = Map.groupBy(routes, (r) => r.path);
  for (const [path, served] of paths) {
    const allow = allowed(served);
    app.all(`${API_PREFIX}${path}`, async (request: Request, response: Response, next: NextFunction) => {
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      const found = served.find((r) => r.method === method);
      if (found === undefined) {
        const others = routes.filter((one) => one.path !== path && one.method === method);
        if (patterns(others).some((one) => one.test(request.path))) return next();
        response.set('Allow', allow);
        throw new ApiProblem('method_not_allowed', `${request.method} is not served here; ${allow} is.`);
      }
      const refusal = refusalOf(found, callerOf(response));
      if (refusal !== undefined) {
        if (refusal.caller !== undefined) await around.refused(found, refusal.caller, request);
        throw refusal.problem;
      }
      const reply = await around.run(found, await callOf(found, request, response));
      if (reply?.status === 503) response.set('Retry-After', RETRY_SECONDS);
      if (reply === undefined) return;
      if ('written' in reply) sendWritten(request, response, reply.written);
      else if (reply.status === 200 && found.method === 'GET') {
        sendWritten(request, response, written(reply.body, reply.revision));
      } else response.status(reply.status).json(reply.body);
    });
  }
}

/** What the paths of these routes match. */
export function patterns(routes: readonly Pick<Route, 'path'>[]): RegExp[] {
  return routes.map(({ path }) => {
    const inside = path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+');
    return new RegExp(`^${API_PREFIX}${inside}$`);
  });
}

function allowed(served: readonly Route[]): string {
  return served
    .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .sort()
    .join(', ');
}

/** Why this caller may not call this route; undefined when he may. The guard in front found out who he is. */
function refusalOf({ role }: Route, caller: Caller | undefined): { problem: ApiProblem; caller?: Caller } | undefined {
  if (role === 'none' || role === 'signed') return undefined;
  if (caller === undefined) return { problem: new ApiProblem('unauthorized', 'Send a key.') };
  if (mayAct(caller.role, role)) return undefined;
  const detail = `This needs the role ${role}; the key has ${caller.role}.`;
  return { caller, problem: new ApiProblem('forbidden', detail, { extra: { needs: role, has: caller.role } }) };
}

async function callOf(found: Route, request: Request, response: Response): Promise<Call<never, never, never>> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client has gone'));
  });
  const params = found.params === undefined ? undefined : checked(found.params, request.params, 'path');
  const query = checked(found.query, request.query, 'query');
  const body = await bodyOf(found, request);
  const caller = callerOf(response);
  const call = { params, query, body, actor: caller?.actor ?? 'open', caller, signal: gone.signal, request, response };
  return call as unknown as Call<never, never, never>;
}

async function bodyOf(found: Route, request: Request): Promise<unknown> {
  const { json, stream, optional, raw } = found.bodies;
  if (raw) refuseEncoding(request);
  if (json === undefined && stream === undefined) return undefined;
  refuseEncoding(request);
  const type = mediaType(request);
  if (stream !== undefined && type === stream) return undefined;
  if (optional && !hasBody(request)) return checked(json as z.ZodType, {}, 'body');
  const isJson = type === 'application/json' || (found.old && request.headers['content-type'] === undefined);
  if (json === undefined || !isJson) {
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
