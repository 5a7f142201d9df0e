import { compile, matchPath, type Name } from './match.ts';
import type { Segment, Shape } from './pattern.ts';
import { type Path, type Rule, tidy, writeSegments } from './rule.ts';

/** An exclude. Its segments match a run of whole names, anywhere or (anchored) at the start; what lies beneath goes too. */
export interface Exclude extends Rule {
  /** True when the names, or the start of them, are excluded. */
  covers(names: readonly Name[]): boolean;
  /** True when every location matches. */
  readonly all: boolean;
}

/** The shape must name something. */
export function excludeOf(shape: Shape): Exclude {
  const { segments, float } = meaning(shape);
  const steps = compile(segments);
  const covers = (names: readonly Name[]) => matchPath(steps, names, { prefix: true, float });
  const text = writeSegments(segments);
  return {
    test: (float ? quickTest(segments) : undefined) ?? ((path) => covers(path.names)),
    covers,
    all: segments.length === 1 && segments[0]?.kind === 'any',
    text: `-${float ? '' : '/'}${float && /^[+-]/.test(text) ? '\\' : ''}${text}`,
  };
}

/**
 * `x/` and `x/**` exclude what lies beneath x, which `x/*` does too, because children go with their folder. A leading `**`
 * makes a pattern float; names that may be anything float as well as not.
 */
function meaning({ segments, anchored, beneath }: Shape): { segments: readonly Segment[]; float: boolean } {
  const ends = segments.at(-1)?.kind === 'deep' || beneath;
  const whole = [...tidy(ends ? [...segments, { kind: 'any' }] : segments)];
  if (whole.at(-1)?.kind === 'deep') whole.pop();
  const named = whole.findIndex((segment) => segment.kind !== 'any');
  if (named < 0) return { segments: whole, float: true };
  if (whole[named]?.kind !== 'deep') return { segments: whole, float: !anchored };
  return { segments: whole.toSpliced(named, 1), float: true };
}

/** Tests for floating plain names, which need no cutting into names. */
function quickTest(segments: readonly Segment[]): ((path: Path) => boolean) | undefined {
  const open = segments.at(-1)?.kind === 'any';
  let plain = '/';
  for (const segment of open ? segments.slice(0, -1) : segments) {
    const [part, more] = segment.kind === 'name' ? segment.parts : [];
    if (part?.kind !== 'text' || more !== undefined) return undefined;
    plain += `${part.text}/`;
  }
  if (plain === '/') return undefined;
  if (!open) return (path) => path.slashed.includes(plain);
  return ({ slashed }) => {
    const first = slashed.indexOf(plain);
    return first >= 0 && first + plain.length < slashed.length;
  };
}
