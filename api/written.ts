import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiProblem } from './problems.ts';

/** An answer as it goes out, with the tag that stands for exactly these bytes. Several callers may be given the same. */
export interface Written {
  readonly bytes: Buffer;
  readonly tag: string;
}

/** Writes JSON down. @param revision what `If-Match` names of a resource that is edited by revision */
export function written(body: unknown, revision?: number): Written {
  const bytes = Buffer.from(JSON.stringify(body));
  const hash = createHash('sha1').update(bytes).digest('base64url');
  return { bytes, tag: revision === undefined ? `"${hash}"` : `"${revision}-${hash}"` };
}

/** Sends an answer to a GET; 304 without a body when the client has it already. */
export function sendWritten(request: IncomingMessage, response: ServerResponse, { bytes, tag }: Written): void {
  response.setHeader('ETag', tag);
  if (has(request.headers['if-none-match'], tag)) {
    response.statusCode = 304;
    response.end();
    return;
  }
  response.statusCode = 200;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', bytes.length);
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

/** `W/` before a tag does not count: a comparison for reading is weak. */
function has(given: string | undefined, tag: string): boolean {
  if (given === undefined) return false;
  return given.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag);
}

/** A revision, or the whole tag of an answer that showed it. */
const REVISION = /^"([1-9]\d{0,9})(?:-[\w-]{27})?"$/;

/**
 * The revision that `If-Match` names: `any` for `*`, undefined without the header.
 * @throws ApiProblem `request_invalid`
 */
export function ifMatch({ headers }: Pick<IncomingMessage, 'headers'>): number | 'any' | undefined {
  const given = headers['if-match'];
  if (given === undefined) return undefined;
  if (given.trim() === '*') return 'any';
  const revision = REVISION.exec(given.trim())?.[1];
  if (revision !== undefined) return Number(revision);
  const message = 'must be a revision as "3", the ETag of an answer, or *';
  throw new ApiProblem('request_invalid', `header: If-Match: ${message}.`, {
    extra: { in: 'header', errors: [{ field: 'If-Match', message }] },
  });
}

/** @throws ApiProblem `precondition_failed` when another revision is there than the one that `If-Match` names */
export function checkRevision(expected: number | 'any' | undefined, there: number): void {
  if (expected === undefined || expected === 'any' || expected === there) return;
  const detail = `If-Match names revision ${expected}, and ${there} is there now. Look again.`;
  throw new ApiProblem('precondition_failed', detail, { extra: { revision: there } });
}
