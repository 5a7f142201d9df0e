import { CodedError, messageOf } from '../domain/errors.ts';
import type { Problem } from './contract.ts';

/**
 * What a call of the API came to when it did not succeed. `code` is the stable code of the problem, or `unreachable` (nobody
 * answered, status 0), `timeout` (status 0) or `bad_answer` (an answer that is not of this API).
 */
export class ApiError extends CodedError {
  readonly status: number;
  readonly detail: string;
  readonly problem: Problem | undefined;

  constructor(code: string, status: number, detail: string, options: { cause?: unknown; problem?: Problem } = {}) {
    super(code, detail, options);
    this.status = status;
    this.detail = detail;
    this.problem = options.problem;
  }
}

/** From the body of an answer that is no success. */
export function problemError(status: number, text: string, origin: string): ApiError {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string') {
    const problem = body as Problem;
    return new ApiError(problem.code, status, problem.detail ?? problem.title ?? `status ${status}`, { problem });
  }
  return new ApiError(
    'bad_answer',
    status,
    `${origin} answered ${status}, which is not an answer of dsx-connect's API`,
  );
}

/** From what `fetch` threw. `afterMs` when our own time limit was the reason. */
export function unreachable(origin: string, error: unknown, afterMs?: number): ApiError {
  if (afterMs !== undefined) {
    return new ApiError('timeout', 0, `the API at ${origin} did not answer within ${Math.round(afterMs / 1000)} s`, {
      cause: error,
    });
  }
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return new ApiError('unreachable', 0, `the API at ${origin} can't be reached: ${messageOf(cause)}`, { cause: error });
}
