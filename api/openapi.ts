import { z } from 'zod';
import { API_PREFIX } from './contract.ts';
import { oldStatus } from './old/old-problem.ts';
import { tagOf, tagsOf } from './openapi-tags.ts';
import { PROBLEMS, type ProblemCode } from './problems.ts';
import type { Route } from './route.ts';

type Json = Record<string, unknown>;

/**
 * The OpenAPI 3.1 document of the table of routes.
 * @param keyed whether this server asks for a key
 */
export function openApi(routes: readonly Route[], options: { version: string; keyed: boolean }): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = pathOf(route);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, options.keyed) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'dsx-connect',
      version: options.version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Every error is `application/problem+json` with a stable `code`: decide on it, never on the texts. `x-role` is the role that a key needs.',
    },
    servers: [{ url: API_PREFIX }],
    tags: tagsOf(routes),
    paths,
    components: {
      ...(options.keyed && { securitySchemes: SCHEMES }),
      schemas: { Problem: PROBLEM },
    },
  };
}

const SCHEMES: Json = {
  key: { type: 'http', scheme: 'bearer', description: 'A key of this API.' },
  page: {
    type: 'http',
    scheme: 'basic',
    description: 'The key as password, for a browser. The name is not looked at.',
  },
};

const PROBLEM: Json = {
  type: 'object',
  description: 'RFC 9457. Further members depend on the code.',
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(PROBLEMS) },
    detail: { type: 'string' },
  },
  required: ['type', 'title', 'status', 'code', 'detail'],
};

const REFERENCE: Json = { $ref: '#/components/schemas/Problem' };
/** Told by the server itself, before there is a request that could be one of an old route. */
const OF_SERVER: readonly ProblemCode[] = ['bad_request', 'headers_too_large', 'request_timeout'];

/** As the former product told errors: a code, or of what is not valid a list of places. */
const OLD_PROBLEM: Json = {
  type: 'object',
  properties: {
    detail: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'object' } }] },
    code: { type: 'string' },
    message: { type: 'string' },
  },
  required: ['detail', 'code'],
};

/** Every problem that a call of this route can come to: its own, and those of what stands in front of it. */
export function problemsOf({ role, bodies, answers, problems, greets }: Route): ProblemCode[] {
  const keyed = role !== 'none' && role !== 'signed';
  const codes: readonly (ProblemCode | false | undefined)[] = [
    'bad_request',
    'request_invalid',
    'host_refused',
    'origin_refused',
    'headers_too_large',
    'request_timeout',
    'internal',
    ...(keyed ? (['unauthorized', 'forbidden', 'too_many_requests', 'ledger_unavailable'] as const) : []),
    greets && 'too_many_requests',
    bodies.json !== undefined && 'json_invalid',
    (bodies.json !== undefined || bodies.raw) && 'body_timeout',
    bodies.raw && 'unsupported_media_type',
    ...(hasBody(bodies) ? (['body_too_large', 'unsupported_media_type'] as const) : []),
    Object.values(answers).includes('stream') && 'too_many_streams',
    ...(problems.includes('temporal_unreachable') ? (['workflow_failed', 'payloads_unreadable'] as const) : []),
    ...problems,
  ];
  return [...new Set(codes.filter((code) => typeof code === 'string'))];
}

function hasBody({ json, stream }: Route['bodies']): boolean {
  return json !== undefined || stream !== undefined;
}

/** As OpenAPI writes it: `{job}` for `:job`. */
export function pathOf({ path }: Pick<Route, 'path'>): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

function operation(route: Route, keyed: boolean): Json {
  const { summary, role, basic, bodies } = route;
  const open = role === 'none' || role === 'signed' || !keyed;
  return {
    operationId: operationId(route),
    summary,
    description: ROLES[role],
    tags: [tagOf(route)],
    'x-role': role,
    security: open ? [] : [{ key: [] }, ...(basic ? [{ page: [] }] : [])],
    parameters: parameters(route),
    ...(hasBody(bodies) && { requestBody: requestBody(bodies) }),
    responses: { ...answersOf(route), ...problemAnswers(route) },
  };
}

const ROLES: Readonly<Record<Route['role'], string>> = {
  none: 'Needs no key.',
  signed: 'Needs no key: the sender is verified by other means.',
  viewer: 'Needs the role viewer.',
  operator: 'Needs the role operator.',
  admin: 'Needs the role admin.',
};

function operationId({ method, path }: Route): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return method.toLowerCase() + words.map((word) => (word[0] ?? '').toUpperCase() + word.slice(1)).join('');
}

/** Whether a route answers a GET with JSON, and so with a tag. */
function isTagged({ method, answers }: Route): boolean {
  return method === 'GET' && answers[200] !== undefined && typeof answers[200] !== 'string';
}

function parameters(route: Route): Json[] {
  const { path, params, query, answers, idempotent, ifMatch } = route;
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { minLength: 1, ...(params === undefined ? { type: 'string' } : propertyOf(jsonSchema(params), name)) },
  }));
  const asked = jsonSchema(query);
  const required = (asked.required as string[] | undefined) ?? [];
  const inQuery = Object.keys((asked.properties as Json | undefined) ?? {}).map((name) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: propertyOf(asked, name),
  }));
  const header = (name: string, schema: Json): Json => ({ name, in: 'header', required: false, schema });
  return [
    ...inPath,
    ...inQuery,
    ...(idempotent ? [header('Idempotency-Key', { type: 'string', pattern: '^[!-~]{1,255}$' })] : []),
    ...(ifMatch ? [header('If-Match', { type: 'string' })] : []),
    ...(isTagged(route) ? [header('If-None-Match', { type: 'string' })] : []),
    ...(Object.values(answers).includes('stream') ? [header('Last-Event-ID', { type: 'string' })] : []),
  ];
}

function propertyOf(schema: Json, name: string): Json {
  return (schema.properties as Record<string, Json> | undefined)?.[name] ?? {};
}

function requestBody({ json, stream, optional }: Route['bodies']): Json {
  const content = {
    ...(json !== undefined && { 'application/json': { schema: jsonSchema(json) } }),
    ...(stream !== undefined && { [stream]: { schema: {} } }),
  };
  return { required: optional !== true, content };
}

function answersOf(route: Route): Json {
  const tagged = isTagged(route);
  const all = Object.entries(route.answers).map(([status, schema]) => {
    const description = TEXTS[status] ?? `Status ${status}`;
    if (schema === 'file') return [status, { description, content: { '*/*': { schema: {} } } }];
    if (schema instanceof z.ZodUndefined) return [status, { description }];
    const media = schema === 'stream' ? 'text/event-stream' : 'application/json';
    const shape =
      schema === 'stream' ? { description: 'Events with id, event and data, which is JSON.' } : jsonSchema(schema);
    const headers = tagged && status === '200' && { headers: { ETag: TAG } };
    const text = route.echoes && status === '200' && { 'text/plain': { schema: { type: 'string' } } };
    return [status, { description, ...headers, content: { [media]: { schema: shape }, ...text } }];
  });
  return Object.fromEntries(tagged ? [...all, [304, { description: 'As it was', headers: { ETag: TAG } }]] : all);
}

const TAG: Json = { description: 'Stands for exactly this answer.', schema: { type: 'string' } };
const TEXTS: Readonly<Record<string, string>> = {
  200: 'Done',
  201: 'Made',
  202: 'Under way',
  204: 'Done',
  503: 'Not ready',
};

function problemAnswers(route: Route): Json {
  const statusOf = (code: ProblemCode): number => (route.old ? oldStatus(code) : PROBLEMS[code].status);
  const byStatus = Map.groupBy(problemsOf(route), statusOf);
  const all = [...byStatus].map(([status, codes]) => {
    const own = route.answers[status];
    const problem = route.old ? OLD_PROBLEM : { allOf: [REFERENCE, { properties: { code: { enum: codes } } }] };
    const retry = status === 503 || status === 429;
    const answer = {
      description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('. '),
      ...(retry && {
        headers: {
          'Retry-After': { description: 'Seconds.', required: true, schema: { type: 'integer', minimum: 1 } },
        },
      }),
      ...(status === 401 && { headers: { 'WWW-Authenticate': { schema: { type: 'string' } } } }),
      content: route.old
        ? {
            'application/json': { schema: shapeOf(own) === undefined ? problem : { anyOf: [shapeOf(own), problem] } },
            ...(codes.some((code) => OF_SERVER.includes(code)) && {
              'application/problem+json': { schema: REFERENCE },
            }),
          }
        : {
            'application/problem+json': { schema: problem },
            ...(shapeOf(own) !== undefined && { 'application/json': { schema: shapeOf(own) } }),
          },
    };
    return [String(status), answer];
  });
  return Object.fromEntries(all);
}

function shapeOf(answer: Route['answers'][number] | undefined): Json | undefined {
  return answer === undefined || typeof answer === 'string' ? undefined : jsonSchema(answer);
}

/** What may be sent, and what may come back: unknown members of an open object are allowed in both. */
function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
