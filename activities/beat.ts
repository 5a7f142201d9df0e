import { Context } from '@temporalio/activity';

/**
 * The only caller of `heartbeat`. A beat without details would erase the checkpoint, so every beat carries the latest one,
 * and there is always one: the first beat goes out at once. Size of the details: at most 8 KiB.
 */
export class Beat<Details> {
  readonly #context = Context.current();
  #details: Details;
  #lastTick = performance.now();

  constructor(first: Details) {
    this.#details = first;
    this.#context.heartbeat(first);
  }

  get details(): Details {
    return this.#details;
  }

  /** Sends the details, or the latest ones again. Throttled by the worker to one in 1.5 s on the wire. */
  send(details: Details = this.#details): void {
    this.#details = details;
    this.#context.heartbeat(details);
  }

  /**
   * Call once a second. Returns how long the event loop stood still beyond that, in milliseconds: a process that was frozen
   * may have lost its page to another worker.
   */
  gap(now = performance.now()): number {
    const gap = now - this.#lastTick - 1000;
    this.#lastTick = now;
    return Math.max(0, gap);
  }

  /** Milliseconds since `gap` was called last: what it will tell, before the timer that calls it had its turn. */
  sinceTick(now = performance.now()): number {
    return now - this.#lastTick;
  }

  /**
   * Asks Temporal, past the throttle, whose the work is.
   * @returns `lost`: the server has given it to another attempt, or the run is gone; `cancelled`: ours, and to be ended; `unknown`:
   * no answer within three seconds
   */
  async ask(): Promise<'ours' | 'cancelled' | 'lost' | 'unknown'> {
    const { client, info } = this.#context;
    try {
      const payload = await client.options.loadedDataConverter.payloadConverter.toPayload(this.#details);
      const answer = await client.withDeadline(Date.now() + ANSWER_MS, () =>
        client.workflowService.recordActivityTaskHeartbeat({
          namespace: info.activityNamespace,
          taskToken: info.taskToken,
          details: payload === undefined ? undefined : { payloads: [payload] },
        }),
      );
      return answer.cancelRequested ? 'cancelled' : 'ours';
    } catch (error) {
      return isNotFound(error) ? 'lost' : 'unknown';
    }
  }
}

/** What is not answered by then is asked again. */
const ANSWER_MS = 3_000;

/** gRPC status NOT_FOUND (5): the attempt, or the run, is no more. */
function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 5;
}
