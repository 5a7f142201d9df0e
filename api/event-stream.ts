import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventSource, StreamedEvent } from './event-source.ts';

export const EVENT_STREAM = { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' } as const;
/** A sign of life when nothing happened for this long, in milliseconds. */
export const HEARTBEAT_MS = 15_000;
/** A reader who takes nothing for this long is cut off, in milliseconds. */
const STUCK_MS = 60_000;

/** The id of the last event that the client has seen. */
export function lastEventId({ headers }: IncomingMessage): string | undefined {
  const given = headers['last-event-id'];
  return typeof given === 'string' && given !== '' ? given : undefined;
}

/**
 * Writes events until `end`, the client has gone, or the server stops (then without `end`: the client comes back and goes on).
 * Never throws once the headers are out: a stream that can't go on is cut, and the client comes back.
 */
export async function streamEvents(response: ServerResponse, source: EventSource, stop: AbortSignal): Promise<void> {
  // The first look decides whether there is a job at all: its failure is an ordinary problem.
  const first = source.look();
  let held = await first.next();
  response.writeHead(200, EVENT_STREAM);
  response.flushHeaders();
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once('close', leave);
  stop.addEventListener('abort', leave, { once: true });
  let last = performance.now();
  try {
    for (let look = first; ; look = source.look(), held = await look.next()) {
      while (held.done !== true) {
        if (gone.signal.aborted) return;
        await write(response, frame(held.value), gone.signal);
        last = performance.now();
        if (held.value.event.type === 'end') return;
        held = await look.next();
      }
      if (performance.now() - last > HEARTBEAT_MS) {
        await write(response, ': still here\n\n', gone.signal);
        last = performance.now();
      }
      await sleep(source.pauseMs, undefined, { signal: gone.signal });
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    stop.removeEventListener('abort', leave);
    response.off('close', leave);
    response.end();
  }
}

function frame({ id, event }: StreamedEvent): string {
  const { type, ...data } = event;
  // JSON has no line breaks of its own, so one data line holds it.
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Waits for a client that reads slowly: never more than one event waits for him. */
function write(response: ServerResponse, text: string, gone: AbortSignal): Promise<void> {
  if (response.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    const cut = setTimeout(() => response.destroy(), STUCK_MS);
    const go = (): void => {
      clearTimeout(cut);
      response.off('drain', go);
      gone.removeEventListener('abort', go);
      resolve();
    };
    response.once('drain', go);
    gone.addEventListener('abort', go, { once: true });
  });
}
