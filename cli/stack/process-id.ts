import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** A process, told apart from a later one that was given the same number by when it started. */
export interface ProcessId {
  readonly pid: number;
  /** When it started, in the system's own words: compared, never read. */
  readonly started: string;
}

/** The identity of the process with this number, or undefined where there is none (a zombie counts as none). */
export function identify(pid: number): ProcessId | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedByPs(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isAlive(id: ProcessId | undefined): boolean {
  return id !== undefined && identify(id.pid)?.started === id.started;
}

/**
 * Ends a process and the group that it leads: by `SIGTERM`, and by force when it is still there after `graceMs`. Does
 * nothing where another process has its number by now.
 */
export async function endProcess(id: ProcessId, graceMs: number): Promise<void> {
  if (!signal(id, 'SIGTERM')) return;
  if (await waitForEnd(id, graceMs)) return;
  signal(id, 'SIGKILL');
  await waitForEnd(id, 5_000);
}

/** Resolves to true as soon as the process is gone, to false when it is still there after `timeoutMs`. */
export async function waitForEnd(id: ProcessId, timeoutMs: number): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  while (isAlive(id)) {
    if (Date.now() >= end) return false;
    await pause(50);
  }
  return true;
}

/** Sends a signal to the process and, where it leads one, its group. False when the process is gone. */
export function signal(id: ProcessId, name: NodeJS.Signals): boolean {
  if (!isAlive(id)) return false;
  for (const target of [-id.pid, id.pid]) {
    try {
      process.kill(target, name);
      return true;
    } catch {
      // It leads no group, or has just ended.
    }
  }
  return false;
}

function startedOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything; after it come the state (field 3) and, as field 22, the start in ticks since boot.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${bootId()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

function startedByPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const [state = '', ...started] = line.split(/\s+/);
    return line === '' || state.startsWith('Z') ? undefined : started.join(' ');
  } catch {
    return undefined;
  }
}
