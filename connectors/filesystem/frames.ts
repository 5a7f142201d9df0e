import { closeFd } from './calls.ts';
import type { Key } from './folder.ts';
import type { Raw } from './names.ts';

/** A folder on the way of a walk, the one being walked last. */
export interface Frame {
  /** Raw location of the folder: empty for the asset, else ending with `/`. */
  readonly folder: Raw;
  /** Names, in order; shared with others, so never changed. */
  keys: readonly Key[];
  /** Index of the next one. */
  next: number;
  /** There are names behind the last of `keys` that are not held. */
  cut: boolean;
  fd: number | undefined;
}

/** How many names the folders on the way to the one being walked may hold. What they give up is read again later. */
export interface WalkLimits {
  /** Coming names of each. */
  readonly each: number;
  /** Of all together: the outermost, to which the walk returns last, give theirs up first. */
  readonly all: number;
}

export const WALK_LIMITS: WalkLimits = { each: 16_384, all: 65_536 };

export function leave(frame: Frame): void {
  if (frame.fd !== undefined) closeFd(frame.fd);
  frame.fd = undefined;
}

/** Keeps what the folders on the way hold within the limits, after another one has been entered. */
export function makeRoom(frames: readonly Frame[], { each, all }: WalkLimits): void {
  const parent = frames.at(-2) as Frame;
  const coming = parent.keys.length - parent.next;
  if (coming > each) parent.cut = true;
  if (parent.keys.length > each) {
    parent.keys = parent.keys.slice(parent.next, parent.next + each);
    parent.next = 0;
  }
  let held = 0;
  for (let i = frames.length - 2; i >= 0; i--) {
    const frame = frames[i] as Frame;
    held += frame.keys.length;
    if (held <= all || frame.keys.length === 0) continue;
    const cut = frame.cut || frame.next < frame.keys.length;
    Object.assign(frame, { keys: [], next: 0, cut });
  }
}
