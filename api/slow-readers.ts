import type { RequestHandler } from 'express';

/** How long a client may take to read an answer that is all there, in milliseconds. */
const READ_MS = 60_000;

/**
 * Cuts off whoever asks and does not take the answer: each holds a connection, and there are so many of them. Event streams have bounds of their
 * own while they go on.
 */
export function cutSlowReaders(ms = READ_MS): RequestHandler {
  return (_request, response, next) => {
    response.once('prefinish', () => {
      if (response.writableFinished) return;
      const cut = setTimeout(() => response.destroy(), ms);
      const done = (): void => clearTimeout(cut);
      response.once('finish', done).once('close', done);
    });
    next();
  };
}
