import type { ServerResponse } from 'node:http';
import { MAX_STREAMS } from '../around.ts';
import { EVENT_STREAM } from '../event-stream.ts';
import { ApiProblem } from '../problems.ts';

/** A reader that leaves more than this unread is cut off, in bytes. */
export const MOST_UNREAD = 1024 * 1024;

/** One reader of a stream of the former product: frames without name or id, whose JSON says in `type` what they are. */
export interface Reader {
  send(frame: { readonly type: string; readonly [field: string]: unknown }): void;
  /** Tells the client when to come back, in milliseconds. */
  retry(ms: number): void;
  /** Resolves when the client has gone, was cut off, or the server stops. */
  readonly gone: Promise<void>;
  readonly signal: AbortSignal;
}

/** Lets in as many readers as one process serves. */
export function createReaders(stopping: AbortSignal) {
  let open = 0;

  /**
   * Answers with a stream and calls `read` with its reader; the stream ends when that resolves, or the reader has gone.
   * @throws ApiProblem `stopping`, `too_many_streams`
   */
  return async function stream(
    response: ServerResponse,
    head: boolean,
    headers: Readonly<Record<string, string>>,
    read: (reader: Reader) => Promise<void>,
  ): Promise<undefined> {
    if (stopping.aborted) throw new ApiProblem('stopping', 'This server is stopping; come back in a moment.');
    if (open >= MAX_STREAMS) throw new ApiProblem('too_many_streams', `${MAX_STREAMS} event streams are open already.`);
    response.writeHead(200, { ...EVENT_STREAM, 'Cache-Control': 'no-cache', ...headers });
    if (head) {
      response.end();
      return undefined;
    }
    open += 1;
    const left = new AbortController();
    const leave = (): void => left.abort();
    response.once('close', leave);
    stopping.addEventListener('abort', leave, { once: true });
    const gone = new Promise<void>((resolve) => left.signal.addEventListener('abort', () => resolve(), { once: true }));
    const write = (text: string): void => {
      if (left.signal.aborted) return;
      response.write(text);
      if (response.writableLength > MOST_UNREAD) response.destroy();
    };
    const reader: Reader = {
      send: (frame) => write(`data: ${JSON.stringify(frame)}\n\n`),
      retry: (ms) => write(`retry: ${ms}\n\n`),
      gone,
      signal: left.signal,
    };
    try {
      response.flushHeaders();
      await read(reader);
    } finally {
      open -= 1;
      stopping.removeEventListener('abort', leave);
      left.abort();
      response.end();
    }
    return undefined;
  };
}
