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

  /**
   * Asks Temporal, past the throttle, whether this attempt is still ours.
   * @returns false when the server has given the work to another attempt, or the run is gone
   */
  async stillOurs(): Promise<boolean> {
    const { client, info } = this.#context;
    const payloads = await client.options.loadedDataConverter.payloadConverter.toPayload(this.#details);
    try {
      const answer = await client.workflowService.recordActivityTaskHeartbeat({
        namespace: info.activityNamespace,
        taskToken: info.taskToken,
        details: payloads === undefined ? undefined : { payloads: [payloads] },
      });
      return !answer.cancelRequested;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}

/** gRPC status NOT_FOUND (5): the attempt, or the run, is no more. */
function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 5;
}
