import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Clock ticks of `/proc` in a second. */
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU seconds that a process has used in all its threads, in its own code and in the system's. @throws when it is gone */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in parentheses may hold anything; the fields after it begin with the third.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

export interface Memory {
  /** Resident bytes now, and at their peak since the process began. */
  readonly now: number;
  readonly peak: number;
}

/** @throws when the process is gone */
export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}

/** Looks at the resident memory of a process twice a second. */
export class MemoryWatch {
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#timer = setInterval(() => this.#samples.push(memoryOf(pid).now), 500);
  }

  /** @returns means over the second and the last quarter of the time: the first is for growing to the usual size */
  stop(): { readonly early: number; readonly late: number } {
    clearInterval(this.#timer);
    const quarter = Math.ceil(this.#samples.length / 4);
    return { early: mean(this.#samples.slice(quarter, 2 * quarter)), late: mean(this.#samples.slice(-quarter)) };
  }
}

/** 0 of none. */
function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
