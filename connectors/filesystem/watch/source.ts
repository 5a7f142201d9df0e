import type { BigIntStats } from 'node:fs';
import type { Raw } from '../names.ts';
import type { Place } from '../place.ts';

/** Where notices of changed files come from: the system tells of them, or walks find them. */
export interface Source {
  /** Begins, or begins again after it broke. `since`: what changed from then on must be noticed. */
  open(place: Place, since: number): void;
  /**
   * Goes on with what it has to do by itself, for a moment.
   * @returns milliseconds until there is more to do; 0: at once
   * @throws ConnectorError; call `open` before the next step
   */
  step(signal: AbortSignal): Promise<number>;
  /** All that happened before this time has been noticed (milliseconds since 1970). */
  bound(): number;
  /** A folder was met where a name had been noticed. */
  folder(location: Raw, facts: BigIntStats, bound: number): void;
  /** Nothing is at a name any more. */
  gone(location: Raw): void;
  close(): void;
}

/** What a source calls and needs. */
export interface SourceDeps {
  /** Takes notice of a name, as `Settling.note`. */
  readonly note: (location: Raw, appeared: boolean, bound: number) => void;
  /** Whether as many names wait as should: then walks pause, and notices are left to another walk. */
  readonly full: () => boolean;
  /** Something came: whoever waits should look. */
  readonly wake: () => void;
  readonly rootIsThere: () => Promise<void>;
  /** Milliseconds that the clock of the file system may differ from ours. */
  readonly skew: number;
}

/** A walk goes on for so long at a time. Milliseconds. */
export const STRETCH = 50;

/** File systems stamp with a clock of their own, that ticks: what seems to have happened just before a time may have happened after it. Milliseconds. */
export const TICK = 2_000;

/** Whether something changed at or after `since`, as far as the stamps of the file system can tell. */
export function changedSince(facts: BigIntStats, since: number, skew: number): boolean {
  return Number(facts.ctimeMs) >= since - TICK - skew;
}
