import { compileGlob, type NameTest } from './glob.ts';
import type { Segment } from './pattern.ts';

/** A segment ready to be matched: `any`, `deep`, or a test of the name. */
export type Step = 'any' | 'deep' | NameTest;

export function compile(segments: readonly Segment[]): Step[] {
  return segments.map((segment) => (segment.kind === 'name' ? compileGlob(segment.parts) : segment.kind));
}

/** Stands for a name that is not known: only `any` and `deep` match it. */
export const UNKNOWN = Symbol('unknown name');
export type Name = string | typeof UNKNOWN;

/**
 * Matches steps against names. With `prefix`, the steps may end before the names do. Time is bounded by names × steps: when a
 * step does not match, only the last `deep` takes one more name. With `float`, the steps may begin at any name.
 */
export function matchPath(
  steps: readonly Step[],
  names: readonly Name[],
  how: { prefix: boolean; float: boolean },
): boolean {
  let name = 0;
  let step = 0;
  let deepStep = how.float ? -1 : undefined;
  let deepName = 0;
  for (;;) {
    const now = steps[step];
    if (now === undefined && (how.prefix || name === names.length)) return true;
    if (now === 'deep') {
      deepStep = step;
      deepName = name;
      step += 1;
      continue;
    }
    const given = names[name];
    if (now !== undefined && given !== undefined && takes(now, given)) {
      name += 1;
      step += 1;
      continue;
    }
    if (given === undefined && now !== undefined) return false;
    if (deepStep === undefined || deepName >= names.length) return false;
    deepName += 1;
    name = deepName;
    step = deepStep + 1;
  }
}

function takes(step: Exclude<Step, 'deep'>, name: Name): boolean {
  return step === 'any' || (name !== UNKNOWN && step(name));
}

/** True when some location beneath the folder with these names could match the steps whole. */
export function reachable(steps: readonly Step[], folder: readonly string[]): boolean {
  for (const [i, name] of folder.entries()) {
    const step = steps[i];
    if (step === 'deep') return true;
    if (step === undefined || !takes(step, name)) return false;
  }
  return steps.length > folder.length;
}
