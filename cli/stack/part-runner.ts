import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../domain/errors.ts';
import { lastLine, rotate, sizeOf } from './logs.ts';
import type { PartSpec } from './part-spec.ts';
import { identify, type ProcessId, signal } from './process-id.ts';
import type { PartState } from './state.ts';

/** How long a part that died waits for its next start, in milliseconds. */
export interface Pauses {
  readonly first: number;
  /** They double up to this. */
  readonly longest: number;
  /** A part that was up for so long begins with the first one again. */
  readonly settled: number;
}

const PAUSES: Pauses = { first: 500, longest: 30_000, settled: 60_000 };
const FIRST_START_ATTEMPTS = 3;

/** A part that did not start, or did not stay. The message names the part, how it ended, and the last line of its log. */
export class PartEnded extends Error {}

interface End {
  /** As it goes on after the part's name. */
  readonly how: string;
  /** False where a signal ended it: then its last words tell nothing. */
  readonly byItself: boolean;
}

interface Running {
  readonly child: ChildProcess;
  readonly id: ProcessId | undefined;
  readonly ended: Promise<End>;
  isEnded: boolean;
}

/**
 * Keeps one part running: starts it, waits until it serves, starts it again when it dies, and ends it. It runs in a process
 * group of its own, so that what a terminal sends to the command that started the stack does not reach it.
 */
export class PartRunner {
  readonly spec: PartSpec;
  readonly #log: string;
  readonly #say: (line: string) => void;
  readonly #changed: () => void;
  readonly #pauses: Pauses;
  readonly #stop = new AbortController();
  #state: PartState;
  #running: Running | undefined;
  #keeping: Promise<void> = Promise.resolve();

  constructor(spec: PartSpec, log: string, say: (line: string) => void, changed: () => void, pauses: Pauses = PAUSES) {
    this.spec = spec;
    this.#log = log;
    this.#say = say;
    this.#changed = changed;
    this.#pauses = pauses;
    this.#state = { name: spec.name, part: spec.part, origin: 'own', condition: 'starting', restarts: 0, log };
  }

  get state(): PartState {
    return this.#state;
  }

  /** Resolves when the part serves. @throws PartEnded when it does not get there */
  async start(): Promise<void> {
    rotate(this.#log);
    for (let attempt = 1; ; attempt++) {
      await this.spec.settle(attempt);
      try {
        await this.#launch();
        break;
      } catch (error) {
        if (
          !(error instanceof PartEnded) ||
          !this.spec.movable ||
          attempt >= FIRST_START_ATTEMPTS ||
          this.#stop.signal.aborted
        )
          throw error;
        this.#say(`${error.message}; once more with other ports`);
      }
    }
    this.#keeping = this.#keepUp();
  }

  /** Ends the part: gracefully, and by force after its grace time. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#keeping;
    const running = this.#running;
    if (running !== undefined && !running.isEnded) {
      this.#set({ condition: 'stopping' });
      await this.#end(running);
    }
    this.#set({ condition: 'stopped', process: undefined });
  }

  async #keepUp(): Promise<void> {
    let wait = this.#pauses.first;
    while (!this.#stop.signal.aborted) {
      const since = Date.now();
      const end = await Promise.race([this.#running?.ended, aborted(this.#stop.signal)]);
      if (end === undefined) return;
      if (Date.now() - since > this.#pauses.settled) wait = this.#pauses.first;
      let problem = this.#describe(end);
      for (let up = false; !up && !this.#stop.signal.aborted; ) {
        this.#say(`${problem}; starting it again in ${wait / 1000} s`);
        this.#set({
          condition: 'restarting',
          process: undefined,
          problem: { at: new Date().toISOString(), text: problem },
        });
        await pause(wait, undefined, { signal: this.#stop.signal }).catch(() => undefined);
        wait = Math.min(wait * 2, this.#pauses.longest);
        if (this.#stop.signal.aborted) return;
        this.#set({ restarts: this.#state.restarts + 1 });
        try {
          await this.#launch();
          up = true;
          this.#say(`${this.spec.name} is up again`);
        } catch (error) {
          problem = messageOf(error);
        }
      }
    }
  }

  /** Starts the process and waits until it serves. What it started is ended before this throws. */
  async #launch(): Promise<void> {
    if (this.#stop.signal.aborted) throw new PartEnded(`${this.spec.name} was stopped before it started`);
    const from = sizeOf(this.#log);
    const command = this.spec.command();
    const out = openSync(this.#log, 'a', 0o600);
    let saidReady = false;
    let running: Running;
    try {
      const child = spawn(command.file, command.args, {
        cwd: command.cwd,
        env: command.env as NodeJS.ProcessEnv,
        detached: true,
        stdio: command.ipc ? ['ignore', out, out, 'ipc'] : ['ignore', out, out],
      });
      running = this.#watch(child);
    } finally {
      closeSync(out);
    }
    this.#running = running;
    running.child.on('message', (message: unknown) => {
      if (typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready')
        saidReady = true;
    });
    this.#set({ process: running.id, address: this.spec.address() });
    const pid = running.child.pid ?? 0;
    const isReady = command.isReady ?? (async () => saidReady);
    const end = Date.now() + this.spec.readyWithinMs;
    while (!running.isEnded) {
      if ((await isReady(pid)) && !running.isEnded) {
        this.#set({ condition: 'up', since: new Date().toISOString() });
        return;
      }
      if (this.#stop.signal.aborted || Date.now() > end) {
        await this.#end(running);
        throw new PartEnded(
          `${this.spec.name} was not ready within ${this.spec.readyWithinMs / 1000} s${this.#lastWords(from)}`,
        );
      }
      await Promise.race([pause(50), running.ended]);
    }
    throw new PartEnded(this.#describe(await running.ended, from));
  }

  #watch(child: ChildProcess): Running {
    const ended = new Promise<End>((resolve) => {
      child.once('error', (error) => resolve({ how: `cannot be run: ${error.message}`, byItself: false }));
      child.once('exit', (code, by) =>
        resolve(
          by ? { how: `was ended by ${by}`, byItself: false } : { how: `ended with code ${code}`, byItself: true },
        ),
      );
    });
    const running: Running = {
      child,
      id: child.pid === undefined ? undefined : identify(child.pid),
      ended,
      isEnded: false,
    };
    void ended.then(() => {
      running.isEnded = true;
    });
    return running;
  }

  async #end(running: Running): Promise<void> {
    if (running.id) signal(running.id, 'SIGTERM');
    const grace = new AbortController();
    const late = pause(this.spec.graceMs, true, { signal: grace.signal }).catch(() => false);
    if ((await Promise.race([running.ended, late])) === true) {
      this.#say(`${this.spec.name} does not end by itself within ${this.spec.graceMs / 1000} s: it is ended by force`);
      if (running.id) signal(running.id, 'SIGKILL');
      await running.ended;
    }
    grace.abort();
  }

  #describe({ how, byItself }: End, from = 0): string {
    return `${this.spec.name} ${how}${byItself ? this.#lastWords(from) : ` (log: ${this.#log})`}`;
  }

  #lastWords(from: number): string {
    const line = lastLine(this.#log, from);
    return line === undefined ? ` (log: ${this.#log})` : `: ${line} (log: ${this.#log})`;
  }

  #set(change: Partial<PartState>): void {
    this.#state = { ...this.#state, ...change };
    this.#changed();
  }
}

function aborted(stop: AbortSignal): Promise<undefined> {
  if (stop.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => stop.addEventListener('abort', () => resolve(undefined), { once: true }));
}
