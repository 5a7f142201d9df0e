import { Context } from '@temporalio/activity';
import type { Payload } from '@temporalio/common';

/** Between two ticks, in milliseconds. */
export const TICK_MS = 1_000;
/** After the event loop stood still for this long nothing starts before Temporal has confirmed that the work is ours. */
const FROZEN_MS = 3_000;
/** What is not answered by then is asked again. */
const ANSWER_MS = 3_000;

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
   * Sends details past the throttle and asks Temporal whose the work is.
   * @returns `lost`: the server has given it to another attempt, or the run is gone; `cancelled`: ours, and to be ended; `unknown`:
   * no answer within three seconds
   */
  async ask(details: Details = this.#details): Promise<'ours' | 'cancelled' | 'lost' | 'unknown'> {
    this.send(details);
    const { client, info } = this.#context;
    try {
      const { payloadConverter, payloadCodecs } = client.options.loadedDataConverter;
      const payload = payloadConverter.toPayload(details);
      let payloads: Payload[] = payload === undefined ? [] : [payload];
      for (const codec of payloadCodecs) payloads = await codec.encode(payloads);
      const answer = await client.withDeadline(Date.now() + ANSWER_MS, () =>
        client.workflowService.recordActivityTaskHeartbeat({
          namespace: info.activityNamespace,
          taskToken: info.taskToken,
          details: payloads.length === 0 ? undefined : { payloads },
        }),
      );
      return answer.cancelRequested ? 'cancelled' : 'ours';
    } catch (error) {
      return isNotFound(error) ? 'lost' : 'unknown';
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
