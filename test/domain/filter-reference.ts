/**
 * A second, slow reading of the filter grammar for the property tests: it works on patterns that are given as data (no
 * tokenising), and decides by recursion over all ways to split, with no thought for time.
 */
export interface PatternSpec {
  readonly exclude: boolean;
  /** The pattern was written with a leading slash. */
  readonly rooted: boolean;
  /** And with a slash at its end. */
  readonly trailing: boolean;
  readonly segments: readonly string[];
}

const hasGlob = (text: string) => /[*?[]/.test(text);

/** Composed, but the Kelvin sign stays apart from K. */
const composed = (text: string) => text.replaceAll('\u212a', '\ue000').normalize('NFC');

/** One name against one glob; the globs of the tests use `*`, `?`, `[ab]` and `[!ab]` without ranges and escapes. */
function nameMatches(glob: readonly string[], name: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return name.length === 0;
  if (first === '*') return nameMatches(rest, name) || (name.length > 0 && nameMatches(glob, name.slice(1)));
  const [char, ...tail] = name;
  if (char === undefined) return false;
  if (first === '?') return nameMatches(rest, tail);
  if (first === '[') {
    const end = rest.indexOf(']');
    const negated = rest[0] === '!';
    const members = rest.slice(negated ? 1 : 0, end);
    return members.includes(char) !== negated && nameMatches(rest.slice(end + 1), tail);
  }
  return first === char && nameMatches(rest, tail);
}

/** Segments against names: `**` takes any number, but at least one when it comes last. */
function pathMatches(segments: readonly string[], names: readonly string[]): boolean {
  const [first, ...rest] = segments;
  if (first === undefined) return names.length === 0;
  if (first === '**') {
    const least = rest.length === 0 ? 1 : 0;
    for (let taken = least; taken <= names.length; taken++) if (pathMatches(rest, names.slice(taken))) return true;
    return false;
  }
  const [name, ...tail] = names;
  return name !== undefined && nameMatches([...composed(first)], [...composed(name)]) && pathMatches(rest, tail);
}

function included(spec: PatternSpec, names: readonly string[]): boolean {
  const { segments, rooted, trailing } = spec;
  if (trailing) return pathMatches([...segments, '**'], names);
  if (!segments.some(hasGlob)) return pathMatches(segments, names) || pathMatches([...segments, '**'], names);
  if (segments.length > 1 || rooted || segments[0] === '**') return pathMatches(segments, names);
  if (segments[0] === '*') return names.length === 1;
  return pathMatches(segments, names.slice(-1));
}

function excluded(spec: PatternSpec, names: readonly string[]): boolean {
  const pattern = spec.trailing ? [...spec.segments, '**'] : spec.segments;
  const starts = spec.rooted ? [0] : names.map((_, i) => i);
  return starts.some((start) => names.some((_, i) => i >= start && pathMatches(pattern, names.slice(start, i + 1))));
}

export function referenceIncludes(specs: readonly PatternSpec[], location: string): boolean {
  const names = location.split('/');
  const includes = specs.filter((spec) => !spec.exclude);
  const excludes = specs.filter((spec) => spec.exclude);
  const effective = includes.length === 0 ? excludes : excludes.filter((spec) => !restates(spec));
  if (effective.some((spec) => excluded(spec, names))) return false;
  return includes.length === 0 || includes.some((spec) => included(spec, names));
}

/** An exclude of everything, which next to an include means nothing. */
function restates(spec: PatternSpec): boolean {
  return spec.segments.every((segment) => /^[*]+$/.test(segment)) && excluded(spec, ['any name']);
}

/** The text of the patterns, as a person would write them. */
export function writeSpecs(specs: readonly PatternSpec[]): string {
  return specs
    .map(
      (spec) =>
        `${spec.exclude ? '-' : ''}${spec.rooted ? '/' : ''}${spec.segments.join('/')}${spec.trailing ? '/' : ''}`,
    )
    .join(' ');
}
