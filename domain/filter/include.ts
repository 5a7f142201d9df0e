import { writeGlob } from './glob.ts';
import { compile, matchPath, reachable } from './match.ts';
import type { Segment, Shape } from './pattern.ts';
import { type Path, type Rule, tidy, writeSegments } from './rule.ts';

/** An include. Its segments match a location whole; with `subtree` they name a file or everything beneath. */
export interface Include extends Rule {
  /** True when something beneath a folder with these names can match. */
  reaches(folder: readonly string[]): boolean;
  /** ASCII text that every location which matches starts with. Empty: none. */
  readonly head: string;
  /** True when every location matches. */
  readonly all: boolean;
}

const ANY: Segment = { kind: 'any' };
const DEEP: Segment = { kind: 'deep' };

export function includeOf(shape: Shape): Include {
  const { segments, subtree } = meaning(shape);
  const below = subtree ? [...segments, ANY, DEEP] : segments;
  const steps = compile(below);
  const [first, second] = below;
  return {
    test: quickTest(segments, subtree) ?? ((path) => matchPath(steps, path.names, { prefix: false, float: false })),
    reaches: (folder) => reachable(steps, folder),
    head: headOf(segments),
    all: below.length === 2 && first?.kind === 'any' && second?.kind === 'deep',
    text: write(segments, subtree),
  };
}

/**
 * A pattern without glob is that file or everything beneath; a glob without slash is a name at any depth, but `*` alone means
 * the top level and `**` everything; a glob with a slash matches whole. `**` at the end stands for one segment or more.
 */
function meaning({ segments, slashed, beneath, glob }: Shape): { segments: readonly Segment[]; subtree: boolean } {
  if (segments.length === 0) return { segments: [ANY, DEEP], subtree: false };
  if (beneath) return { segments: tidy([...segments, ANY, DEEP]), subtree: false };
  if (!glob) return { segments, subtree: true };
  if (!slashed && segments[0]?.kind === 'name') return { segments: [DEEP, ...segments], subtree: false };
  return { segments: tidy(segments.at(-1)?.kind === 'deep' ? [...segments, ANY] : segments), subtree: false };
}

/** Tests for the common forms that need no cutting into names. */
function quickTest(segments: readonly Segment[], subtree: boolean): ((path: Path) => boolean) | undefined {
  const [first, second] = segments;
  if (subtree) {
    const own = segments.map(plainText).join('/');
    const beneath = `${own}/`;
    return ({ text }) => text.startsWith(own) && (text.length === own.length || text.startsWith(beneath));
  }
  if (segments.length === 1 && first?.kind === 'any') return ({ text }) => !text.includes('/');
  if (segments.length === 2 && first?.kind === 'deep' && second?.kind === 'name') {
    const [step] = compile([second]);
    return typeof step === 'function' ? (path) => step(path.base) : undefined;
  }
  return undefined;
}

function plainText(segment: Segment): string {
  return segment.kind === 'name' ? segment.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('') : '';
}

/** The literal text up to the first glob character, cut in front of the first character that may be written in two ways. */
function headOf(segments: readonly Segment[]): string {
  let head = '';
  for (const [i, segment] of segments.entries()) {
    if (i > 0) head += '/';
    if (segment.kind !== 'name') return ascii(head);
    for (const part of segment.parts) {
      if (part.kind !== 'text') return ascii(head);
      head += part.text;
    }
  }
  return ascii(head);
}

function ascii(text: string): string {
  const other = text.search(/[^\0-\x7f]/);
  return other < 0 ? text : text.slice(0, other);
}

function write(segments: readonly Segment[], subtree: boolean): string {
  const [first, second] = segments;
  if (!subtree && segments.length === 1 && first?.kind === 'name') return `/${writeGlob(first.parts)}`;
  if (segments.length === 2 && first?.kind === 'deep' && second?.kind === 'name') {
    const isGlob = second.parts.some((part) => part.kind !== 'text');
    if (isGlob) return lead(writeGlob(second.parts));
  }
  const open = segments.at(-2)?.kind === 'any' && segments.at(-1)?.kind === 'deep';
  return lead(writeSegments(open ? [...segments.slice(0, -2), DEEP] : segments));
}

/** A leading `+` or `-` must not be read as a directive. */
function lead(text: string): string {
  return /^[+-]/.test(text) ? `\\${text}` : text;
}
