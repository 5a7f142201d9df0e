import type { RequestHandler } from 'express';

/** How long a client may take nothing of an answer that is all there, in milliseconds. */
const STUCK_MS = 60_000;

/**
 * Cuts off whoever asks and does not take the answer: each holds a connection, and there are so many of them. Who reads slowly goes on. Event
 * streams have bounds of their own while they last.
 */
export function cutSlowReaders(ms = STUCK_MS): RequestHandler {
  return (_request, response, next) => {
    response.once('prefinish', () => {
      const { socket } = response;
      if (socket === null || response.writableFinished) return;
      // Node counts what the system takes, within one large write too, and destroys the connection when it takes nothing.
      socket.setTimeout(ms);
      // By then the time of an idle connection is set, but where another request waits behind this one.
      response.once('finish', () => {
        if (socket.timeout === ms) socket.setTimeout(0);
      });
    });
    next();
  };
}
