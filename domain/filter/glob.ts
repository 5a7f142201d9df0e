/** A class as `[a-c]`: ranges of code points, sorted and apart. */
export interface CharClass {
  readonly negated: boolean;
  readonly ranges: readonly (readonly [number, number])[];
}

/** One step of a glob within a segment: plain text, any one character, any run of characters, one character of a class. */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'run' }
  | ({ readonly kind: 'class' } & CharClass);

/** Tells whether a name (one segment, folded) matches. */
export type NameTest = (name: string) => boolean;

/**
 * The test for a glob. Its time is bounded by (length of the name) × (number of parts): when a part does not match, only the
 * last run is made longer, never an earlier one.
 */
export function compileGlob(parts: readonly Part[]): NameTest {
  const [first, second, third] = parts;
  if (first?.kind === 'text' && second === undefined) return (name) => name === first.text;
  if (first?.kind === 'run' && second?.kind === 'text' && third === undefined)
    return (name) => name.endsWith(second.text);
  if (first?.kind === 'text' && second?.kind === 'run' && third === undefined)
    return (name) => name.startsWith(first.text);
  return (name) => matches(parts, name);
}

function matches(parts: readonly Part[], name: string): boolean {
  let at = 0;
  let part = 0;
  let runPart = -1;
  let runAt = 0;
  while (part < parts.length || at < name.length) {
    const now = parts[part];
    if (now?.kind === 'run') {
      runPart = part;
      runAt = at;
      part += 1;
      continue;
    }
    const length = now === undefined ? -1 : lengthOf(now, name, at);
    if (length >= 0) {
      at += length;
      part += 1;
      continue;
    }
    if (runPart < 0 || runAt >= name.length) return false;
    runAt = nextStart(parts[runPart + 1], name, runAt);
    if (runAt < 0) return false;
    at = runAt;
    part = runPart + 1;
  }
  return true;
}

/** Where the run may end next: behind one more character, or right where the text behind it begins. -1: nowhere. */
function nextStart(behind: Part | undefined, name: string, runAt: number): number {
  const next = runAt + widthAt(name, runAt);
  if (behind === undefined) return name.length;
  return behind.kind === 'text' ? name.indexOf(behind.text, next) : next;
}

/** How many UTF-16 units of the name this part takes at `at`; -1 when it does not match there. */
function lengthOf(part: Exclude<Part, { kind: 'run' }>, name: string, at: number): number {
  if (part.kind === 'text') return name.startsWith(part.text, at) ? part.text.length : -1;
  if (at >= name.length) return -1;
  if (part.kind === 'class' && !inClass(part, name.codePointAt(at) ?? 0)) return -1;
  return widthAt(name, at);
}

function widthAt(name: string, at: number): number {
  return (name.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function inClass({ ranges, negated }: CharClass, code: number): boolean {
  for (const [from, to] of ranges) if (code >= from && code <= to) return !negated;
  return negated;
}

/** Sorted and joined, so that two classes with the same characters are written the same. */
export function joinRanges(ranges: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const joined: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

/** The glob as text that parses to the same parts. */
export function writeGlob(parts: readonly Part[]): string {
  return parts.map(writePart).join('');
}

function writePart(part: Part): string {
  if (part.kind === 'one') return '?';
  if (part.kind === 'run') return '*';
  if (part.kind === 'text') return part.text.replace(/[\s,"'\\*?[]/gu, '\\$&');
  const member = (code: number) => String.fromCodePoint(code).replace(/[\s,"'\\*?[\]!^-]/u, '\\$&');
  const ranges = part.ranges.map(([from, to]) => (from === to ? member(from) : `${member(from)}-${member(to)}`));
  return `[${part.negated ? '!' : ''}${ranges.join('')}]`;
}
