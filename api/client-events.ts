import { ApiError, problemError, unreachable } from './client-error.ts';
import { FEED_TYPES, type FeedEvent, type JobEvent } from './contract.ts';
import { readFrames } from './sse-parser.ts';

/** The server sends a sign of life every 15 s; without any for this long the connection is taken for dead. */
const SILENCE_MS = 45_000;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;

interface Stream {
  readonly ask: typeof fetch;
  readonly origin: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly options: { readonly signal?: AbortSignal; readonly lastEventId?: string; readonly giveUpMs?: number };
}

/** Events of one job until `end`. @throws as `eventsOf` */
export function jobEvents(stream: Stream): AsyncGenerator<JobEvent, void, void> {
  return eventsOf<JobEvent>(stream, ['progress', 'finding', 'end']);
}

/** Events of everything, until the signal fires. @throws as `eventsOf` */
export function feedEvents(stream: Stream): AsyncGenerator<FeedEvent, void, void> {
  return eventsOf<FeedEvent>(stream, ['open', 'reset', ...FEED_TYPES]);
}

/**
 * Events of the types that are named until one of the type `end`, over as many connections as it takes.
 * @throws ApiError at once for an answer that a repeat won't mend (4xx), else when nothing was reached for `giveUpMs`.
 */
async function* eventsOf<E extends JobEvent | FeedEvent>(
  stream: Stream,
  types: readonly E['type'][],
): AsyncGenerator<E, void, void> {
  const { signal, giveUpMs = 60_000 } = stream.options;
  let lastId = stream.options.lastEventId;
  let lastHeard = Date.now();
  let waitMs = FIRST_WAIT_MS;
  while (!signal?.aborted) {
    const connection = new AbortController();
    const stop = (): void => connection.abort();
    signal?.addEventListener('abort', stop, { once: true });
    let silence = setTimeout(stop, SILENCE_MS);
    let failure: ApiError;
    try {
      const response = await stream.ask(stream.url, {
        headers: {
          accept: 'text/event-stream',
          ...stream.headers,
          ...(lastId !== undefined && { 'last-event-id': lastId }),
        },
        redirect: 'error',
        signal: connection.signal,
      });
      if (response.status !== 200 || response.body === null) {
        const problem = problemError(response.status, await response.text(), stream.origin);
        if (response.status < 500) throw problem;
        failure = problem;
      } else {
        for await (const frame of readFrames(response.body)) {
          clearTimeout(silence);
          silence = setTimeout(stop, SILENCE_MS);
          lastHeard = Date.now();
          waitMs = FIRST_WAIT_MS;
          if (frame.data === undefined) continue;
          const event = eventOf(types, frame.event, frame.data);
          if (event !== undefined) yield event;
          if (frame.id !== undefined) lastId = frame.id;
          if (event?.type === 'end') return;
        }
        failure = unreachable(stream.origin, new Error('the event stream was cut'));
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof ApiError) throw error;
      failure = unreachable(stream.origin, error);
    } finally {
      clearTimeout(silence);
      signal?.removeEventListener('abort', stop);
      connection.abort();
    }
    if (Date.now() - lastHeard > giveUpMs) throw failure;
    await pause(waitMs, signal);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

/** Events that this client does not know are left out. */
function eventOf<E extends JobEvent | FeedEvent>(
  types: readonly E['type'][],
  type: string,
  data: string,
): E | undefined {
  if (!(types as readonly string[]).includes(type)) return undefined;
  return { type, ...JSON.parse(data) } as E;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
