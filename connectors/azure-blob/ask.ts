import { onAbort } from '../../domain/abort.ts';
import { ConnectorError } from '../errors.ts';
import { type Doing, failure, isGenuine } from './failures.ts';

/** The store has so long to begin its answer, in milliseconds. */
export const ANSWER_MS = 60_000;

interface Answered {
  readonly _response: { readonly headers: { get(name: string): string | undefined } };
}

/**
 * One request. It ends when `signal` says so, or after a minute without an answer.
 * @throws ConnectorError, or what the signal was aborted with
 */
export async function ask<T extends Answered>(
  doing: Doing,
  signal: AbortSignal,
  request: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const seat = onAbort(signal, stop);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop.abort();
  }, ANSWER_MS);
  try {
    const answer = await request(stop.signal);
    if (!isGenuine(answer._response.headers)) throw notAzure(doing);
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    if (late) throw new ConnectorError('storage_error', `${doing.doing} ${doing.what}: no answer for a minute`);
    throw failure(error, doing);
  } finally {
    clearTimeout(timer);
    seat.leave();
  }
}

/** Something answers that is not the store: a web page, a proxy, another service. */
export function notAzure({ doing, what }: Doing): ConnectorError {
  const message = `${doing} ${what}: the answer is not Azure Blob Storage's; check account, endpoint and what lies on the way`;
  return new ConnectorError('configuration', message);
}
