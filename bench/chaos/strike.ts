import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, signal, waitForEnd } from '../../cli/stack/process-id.ts';
import { messageOf } from '../../domain/errors.ts';
import { type Fault, type Strike, targetOf } from './schedule.ts';
import type { ChaosStack } from './stack.ts';
import type { Event } from './timeline.ts';

/** A part that was killed must serve again within this. */
const BACK_WITHIN_MS = 90_000;
/** A part that was told to end has so long before it is killed: longer than any grace. */
const END_WITHIN_MS = 60_000;

/** Carries faults out, one strike after the other, and writes down when each began and ended. */
export class Striker {
  readonly #stack: ChaosStack;
  readonly #tell: (event: Event) => void;
  readonly #running = new Set<Promise<void>>();
  readonly events: Event[] = [];

  constructor(stack: ChaosStack, tell: (event: Event) => void) {
    this.#stack = stack;
    this.#tell = tell;
  }

  /** Resolves when the last strike has begun. Ends early when the signal fires. */
  async run(strikes: readonly Strike[], signal: AbortSignal): Promise<void> {
    for (const { afterMs, faults } of strikes) {
      await pause(afterMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      // What is struck must be there: a part that is just being restarted is waited for.
      await Promise.all(
        faults.map((fault) => fault.kind === 'toxic' || this.#stack.untilUp(fault.part, BACK_WITHIN_MS)),
      );
      for (const fault of faults) this.#begin(fault, signal);
    }
  }

  /** Resolves when everything that was struck is as before. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  #begin(fault: Fault, signal: AbortSignal): void {
    const event: Event = { fault, target: targetOf(fault), from: Date.now(), to: Number.POSITIVE_INFINITY };
    this.events.push(event);
    this.#tell(event);
    const done = this.#carryOut(fault, signal)
      .then((problem) => {
        if (problem !== undefined) event.problem = problem;
      })
      .catch((error: unknown) => {
        event.problem = messageOf(error);
      })
      .finally(() => {
        event.to = Date.now();
        this.#running.delete(done);
      });
    this.#running.add(done);
  }

  /** @returns what went wrong */
  async #carryOut(fault: Fault, stop: AbortSignal): Promise<string | undefined> {
    if (fault.kind === 'toxic') {
      await this.#stack.proxy.add(fault.link, fault.toxic);
      await pause(fault.ms, undefined, { signal: stop }).catch(() => undefined);
      await this.#stack.proxy.remove(fault.link, fault.toxic.type);
      return undefined;
    }
    const id = this.#stack.processOf(fault.part);
    if (id === undefined) return `${fault.part} did not come back within ${BACK_WITHIN_MS / 1000} s`;
    if (fault.kind === 'freeze') {
      if (!signal(id, 'SIGSTOP')) return undefined;
      await pause(fault.ms, undefined, { signal: stop }).catch(() => undefined);
      signal(id, 'SIGCONT');
      return undefined;
    }
    signal(id, fault.kind === 'kill' ? 'SIGKILL' : 'SIGTERM');
    if (!(await waitForEnd(id, END_WITHIN_MS))) {
      signal(id, 'SIGKILL');
      await waitForEnd(id, 5_000);
      return `${fault.part} did not end within ${END_WITHIN_MS / 1000} s of SIGTERM`;
    }
    // The supervision notices the end a moment later than we do.
    while (this.#stack.processOf(fault.part)?.pid === id.pid && !isAlive(id)) await pause(10);
    if (await this.#stack.untilUp(fault.part, BACK_WITHIN_MS)) return undefined;
    return `${fault.part} did not serve again within ${BACK_WITHIN_MS / 1000} s`;
  }
}
