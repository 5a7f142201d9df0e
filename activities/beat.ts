import { Context } from '@temporalio/activity';

/** Between two ticks, in milliseconds. */
export const TICK_MS = 1_000;
/** After the event loop stood still for this long nothing starts before Temporal has confirmed that the work is ours. */
const FROZEN_MS = 3_000;

/**
 * The only caller of `heartbeat`. A beat without details would erase the checkpoint, so every beat carries the latest one,
 * and there is always one: the first beat goes out at once. Size of the details: at most 8 KiB.
 */
export class Beat<Details> {
  readonly #context = Context.current();
  #details: Details;
  #tickAt = clocks();

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

  /** Call once a second: what `frozen` measures by. */
  tick(): void {
    this.#tickAt = clocks();
  }

  /**
   * Whether the process stood still (SIGSTOP, a suspended machine, a blocked event loop) since the last tick: then it may have
   * lost its work to another worker. Cheap: ask before every item.
   */
  get frozen(): boolean {
    const [steady, wall] = clocks();
    return Math.max(steady - this.#tickAt[0], wall - this.#tickAt[1]) > TICK_MS + FROZEN_MS;
  }

  /**
   * Sends details past the throttle and asks Temporal whether this attempt is still ours.
   * @returns false when the server has given the work to another attempt, wants it cancelled, or the run is gone
   */
  async tell(details: Details = this.#details): Promise<boolean> {
    this.send(details);
    const { client, info } = this.#context;
    const payloads = await client.options.loadedDataConverter.payloadConverter.toPayload(details);
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

/** The steady clock stands still while a machine is suspended, the other one may be set. */
function clocks(): readonly [number, number] {
  return [performance.now(), Date.now()];
}

/** gRPC status NOT_FOUND (5): the attempt, or the run, is no more. */
function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 5;
}
