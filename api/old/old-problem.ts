import type { RequestHandler } from 'express';
import { type ApiProblem, PROBLEMS, type ProblemCode } from '../problems.ts';
import { patterns, type Route } from '../route.ts';

/** The body of an error on an old route. `detail` is all that the former product told; `code` and `message` are new. */
export interface OldProblem {
  readonly detail: string | readonly { readonly loc: readonly string[]; readonly msg: string; readonly type: string }[];
  readonly code: string;
  readonly message: string;
  readonly [extra: string]: unknown;
}

/** What does not fit a schema had a status of its own. */
const UNPROCESSABLE: readonly ProblemCode[] = ['request_invalid', 'json_invalid', 'filter_invalid'];

export function oldStatus(code: ProblemCode): number {
  return UNPROCESSABLE.includes(code) ? 422 : PROBLEMS[code].status;
}

/**
 * A problem as clients of the former product read it: `detail` is a stable word (`extra.old`, where the problem names one, else its code),
 * or a list of the places that are not valid.
 */
export function oldProblem(problem: ApiProblem): { readonly status: number; readonly body: OldProblem } {
  const { code, message, extra } = problem;
  const {
    old,
    in: place,
    errors,
    ...more
  } = extra as {
    old?: string;
    in?: string;
    errors?: readonly { field: string; message: string }[];
  };
  const places = (errors ?? [{ field: '', message }]).map((one) => ({
    loc: [place ?? 'body', ...one.field.split('.').filter((word) => word !== '' && word !== place)],
    msg: one.message,
    type: code,
  }));
  const detail = UNPROCESSABLE.includes(code) ? places : (old ?? code);
  return { status: oldStatus(code), body: { ...more, detail, code, message } };
}

/** Marks the requests whose errors have the old shape: also those that are refused before a route is found. */
export function tellOld(routes: readonly Route[]): RequestHandler {
  const newer = new Set(routes.filter(({ old }) => !old).map(({ path }) => path));
  const old = patterns(routes.filter((one) => one.old && !newer.has(one.path)));
  return (request, response, next) => {
    response.locals.old = old.some((one) => one.test(request.path));
    next();
  };
}
