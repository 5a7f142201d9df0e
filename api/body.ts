import type { IncomingMessage } from 'node:http';
import { jsonPlace } from './json-place.ts';
import { ApiProblem } from './problems.ts';

/** Largest JSON body, in bytes. */
export const MAX_JSON_BYTES = 1024 * 1024;
/** How long a JSON body may take to arrive, in milliseconds. */
const BODY_MS = 30_000;
const DRAIN_BYTES = 4 * 1024 * 1024;
const DRAIN_MS = 2_000;

/** The media type of a request, lower-case, without parameters; empty when none is given. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** True when a body was announced, be it an empty one. */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

export function refuseEncoding(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return;
  throw new ApiProblem(
    'unsupported_media_type',
    `Send the body without Content-Encoding (it is ${JSON.stringify(encoding)}).`,
  );
}

/** Reads and parses a JSON body. @throws ApiProblem `body_too_large`, `body_timeout`, `json_invalid` with the position */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const bytes = await readBytes(request);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ApiProblem('json_invalid', 'The body is not valid UTF-8.');
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const position = jsonPlace(text);
    const before = text.slice(0, position).split('\n');
    const place = { position, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    throw new ApiProblem(
      'json_invalid',
      `The body is not valid JSON at line ${place.line}, column ${place.column} (character ${place.position}).`,
      { cause, extra: place },
    );
  }
}

/**
 * The body as it came, of `most` bytes (1 MiB). It is collected by events: an iterator that is left early would tear down the connection, and
 * with it the answer.
 * @param hold told of each part as it arrives, in bytes; what it throws ends the reading
 * @throws ApiProblem `body_too_large`, `body_timeout`
 */
export function readBytes(
  request: IncomingMessage,
  hold: (bytes: number) => void = () => undefined,
  most = MAX_JSON_BYTES,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const done = (end: () => void): void => {
      clearTimeout(deadline);
      request.off('data', take).off('end', ended).off('error', failed).off('close', cut);
      end();
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      try {
        if (bytes > most) throw tooLarge(most);
        hold(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        done(() => reject(error));
      }
    };
    const ended = (): void => done(() => resolve(Buffer.concat(chunks)));
    const failed = (cause: Error): void => done(() => reject(cutShort(cause)));
    const cut = (): void => done(() => reject(cutShort()));
    const slow = (): void =>
      done(() => reject(new ApiProblem('body_timeout', `The body took longer than ${BODY_MS / 1000} s.`)));
    const deadline = setTimeout(slow, BODY_MS);
    if (Number(request.headers['content-length'] ?? 0) > most) return done(() => reject(tooLarge(most)));
    request.on('data', take).on('end', ended).on('error', failed).on('close', cut);
  });
}

/**
 * Reads on and throws away what is left of a body that was refused, so that the client gets to read the answer. At most 4 MiB or
 * 2 s; false when there is still more.
 */
export function drain(request: IncomingMessage): Promise<boolean> {
  if (request.complete || request.destroyed) return Promise.resolve(true);
  return new Promise((resolve) => {
    let left = DRAIN_BYTES;
    const end = (whole: boolean): void => {
      clearTimeout(deadline);
      request.off('data', take).off('end', ended).off('close', ended).off('error', ended).pause();
      resolve(whole);
    };
    const take = (chunk: Buffer): void => {
      left -= chunk.length;
      if (left < 0) end(false);
    };
    const ended = (): void => end(true);
    const deadline = setTimeout(() => end(false), DRAIN_MS);
    request.on('data', take).on('end', ended).on('close', ended).on('error', ended).resume();
  });
}

function cutShort(cause?: Error): ApiProblem {
  return new ApiProblem('bad_request', 'The connection was closed before the body was whole.', { cause });
}

function tooLarge(limit: number): ApiProblem {
  return new ApiProblem('body_too_large', `A body may have ${limit} bytes at most.`, { extra: { limit } });
}
