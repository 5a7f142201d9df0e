import { type Random, randomOf } from './random.ts';
import type { Toxic } from './toxiproxy.ts';

/** What is done to a process: killed (SIGKILL), told to end (SIGTERM), or frozen (SIGSTOP … SIGCONT); or to a link. */
export type Fault =
  | { readonly kind: 'kill' | 'stop'; readonly part: string }
  | { readonly kind: 'freeze'; readonly part: string; readonly ms: number }
  | { readonly kind: 'toxic'; readonly link: string; readonly toxic: Toxic; readonly ms: number };

/** Faults that strike together, so long after those before. */
export interface Strike {
  readonly afterMs: number;
  readonly faults: readonly Fault[];
}

/** Longest a process stays frozen, or a link disturbed. */
export const LONGEST_MS = 40_000;
/** While something is out for this long or longer, others are out for at most `SHORT_MS`. */
const LONG_MS = 8_000;
const SHORT_MS = 4_000;

/** The links of the stack: one between each client and each server. */
export function linksOf(workers: number): string[] {
  const clients = workerNames(workers).flatMap((name) => [`${name}>temporal`, `${name}>standin`, `${name}>valkey`]);
  return [...clients, 'api>temporal', 'api>valkey'];
}

export function workerNames(workers: number): string[] {
  return Array.from({ length: workers }, (_, i) => `worker-${i + 1}`);
}

/** The faults of a run: a pure function of the seed, so that a run can be had again. */
export function schedule(seed: number, count: number, workers: number): Strike[] {
  const random = randomOf('schedule', seed, workers);
  const names = workerNames(workers);
  const parts = [...names, ...names, 'api', 'valkey', 'temporal', 'standin'];
  const links = linksOf(workers);
  /** When what is frozen or disturbed is well again, in milliseconds of the schedule. */
  const busy = new Map<string, number>();
  const strikes: Strike[] = [];
  let clock = 0;
  let left = count;
  while (left > 0) {
    const afterMs = random.int(1_500, 4_000);
    clock += afterMs;
    const faults: Fault[] = [];
    for (const wanted = left > 1 && random.chance(0.15) ? 2 : 1; faults.length < wanted; ) {
      const fault = faultOf(random, parts, links, clock, busy);
      const target = targetOf(fault);
      if ((busy.get(target) ?? 0) > clock) continue;
      busy.set(target, clock + ('ms' in fault ? fault.ms : 1));
      faults.push(fault);
    }
    left -= faults.length;
    strikes.push({ afterMs, faults });
  }
  return strikes;
}

export function targetOf(fault: Fault): string {
  return fault.kind === 'toxic' ? fault.link : fault.part;
}

function faultOf(
  random: Random,
  parts: readonly string[],
  links: readonly string[],
  clock: number,
  busy: ReadonlyMap<string, number>,
): Fault {
  const roll = random.next();
  if (roll < 0.38) return { kind: 'kill', part: random.pick(parts) };
  if (roll < 0.5) return { kind: 'stop', part: random.pick(parts) };
  const crowded = [...busy.values()].some((until) => until - clock >= LONG_MS / 2);
  if (roll < 0.7) {
    const part = random.pick(parts);
    // What all work needs is frozen for a while at most: the rest of the run is not to be spent waiting for it.
    const most = crowded ? SHORT_MS : part.startsWith('worker') ? LONGEST_MS : 12_000;
    return { kind: 'freeze', part, ms: msOf(random, most) };
  }
  const link = random.pick(links);
  return { kind: 'toxic', link, toxic: toxicOf(random), ms: msOf(random, crowded ? SHORT_MS : 25_000) };
}

/** 2 s or more; two in three are short. */
function msOf(random: Random, most: number): number {
  return random.chance(0.66) ? random.int(2_000, Math.min(most, 6_000)) : random.int(2_000, most);
}

function toxicOf(random: Random): Toxic {
  const stream = random.pick(['upstream', 'downstream'] as const);
  const roll = random.int(0, 3);
  if (roll === 0) return { type: 'reset_peer', stream, attributes: { timeout: random.int(0, 300) } };
  if (roll === 1)
    return { type: 'latency', stream, attributes: { latency: random.int(50, 1_500), jitter: random.int(0, 300) } };
  // A timeout of 0 swallows everything and closes nothing until it is taken away.
  if (roll === 2) return { type: 'timeout', stream, attributes: { timeout: 0 } };
  return { type: 'bandwidth', stream, attributes: { rate: random.int(4, 200) } };
}
