import { FilterError } from './errors.ts';
import { fold } from './fold.ts';
import { joinRanges, type Part } from './glob.ts';
import type { Atom, Token } from './tokens.ts';

/** One step of a path pattern. `any`: one segment, whatever its name. `deep`: any number of segments, also none. */
export type Segment =
  | { readonly kind: 'name'; readonly parts: readonly Part[] }
  | { readonly kind: 'any' }
  | { readonly kind: 'deep' };

/** A pattern as it was written, cut into segments. */
export interface Shape {
  readonly segments: readonly Segment[];
  /** It began with `/` or `./`. */
  readonly anchored: boolean;
  /** It holds a slash in front of its last character, or began with one. */
  readonly slashed: boolean;
  /** It ended with `/`: everything beneath is meant, not the thing itself. */
  readonly beneath: boolean;
  /** It holds a glob character. */
  readonly glob: boolean;
}

const GLOB = '*?[';

/** @throws FilterError */
export function shapeOf(token: Token): Shape {
  const pieces = cut(token);
  const head = pieces[0];
  const last = pieces.at(-1);
  const anchored = pieces.length > 1 && head !== undefined && (head.length === 0 || isName(head, '.'));
  const beneath = pieces.length > 1 && last !== undefined && (last.length === 0 || isName(last, '.'));
  const kept = pieces.filter((piece) => piece.length > 0 && !isName(piece, '.'));
  const parent = kept.find((piece) => isName(piece, '..'));
  if (parent !== undefined) {
    const message = `${token.text} leaves the asset: patterns start at the asset, and .. is not allowed in them`;
    throw new FilterError('parent_segment', message, parent[0]?.column ?? token.column, token.text);
  }
  const segments = kept.map((piece) => segmentOf(piece, token));
  const glob = kept.some((piece) => piece.some((atom) => !atom.plain && GLOB.includes(atom.char)));
  return { segments, anchored, slashed: anchored || kept.length > 1, beneath, glob };
}

/** The atoms between the slashes. A slash inside a class is an error that `segmentOf` reports (the class stays open). */
function cut(token: Token): Atom[][] {
  const pieces: Atom[][] = [[]];
  for (const atom of token.atoms) {
    if (atom.char === '/') pieces.push([]);
    else pieces.at(-1)?.push(atom);
  }
  return pieces;
}

function isName(piece: readonly Atom[], name: string): boolean {
  return piece.map((atom) => atom.char).join('') === name;
}

function segmentOf(piece: readonly Atom[], token: Token): Segment {
  if (piece.every((atom) => atom.char === '*' && !atom.plain)) return { kind: piece.length === 1 ? 'any' : 'deep' };
  const parts: Part[] = [];
  let plain: Atom[] = [];
  const flush = () => {
    if (plain.length > 0) parts.push({ kind: 'text', text: fold(plain.map((atom) => atom.char).join('')) });
    plain = [];
  };
  for (let at = 0; at < piece.length; at++) {
    const atom = piece[at] as Atom;
    if (atom.plain || !GLOB.includes(atom.char)) {
      plain.push(atom);
      continue;
    }
    flush();
    if (atom.char === '[') {
      const end = classEnd(piece, at, token);
      parts.push(classOf(piece.slice(at + 1, end), token));
      at = end;
    } else {
      addWild(parts, atom.char === '*' ? 'run' : 'one');
    }
  }
  flush();
  return { kind: 'name', parts };
}

/** `*?`, `?*` and `**` within a segment: the characters first, then one run, so that equal globs are written the same. */
function addWild(parts: Part[], kind: 'one' | 'run'): void {
  if (parts.at(-1)?.kind !== 'run') parts.push({ kind });
  else if (kind === 'one') parts.splice(-1, 0, { kind });
}

/** Index of the `]` that closes the class; right behind `[` or `[!` it is a member. */
function classEnd(piece: readonly Atom[], open: number, token: Token): number {
  let at = open + 1;
  if (isNegation(piece[at])) at += 1;
  if (piece[at]?.char === ']') at += 1;
  const end = piece.findIndex((atom, i) => i >= at && atom.char === ']' && !atom.plain);
  if (end >= 0) return end;
  const message = `${token.text} opens a class with [ that is not closed in the same segment; close it, write \\[ for the character itself, or put quotes around a class with a comma`;
  throw new FilterError('open_class', message, piece[open]?.column ?? token.column, token.text);
}

function isNegation(atom: Atom | undefined): boolean {
  return atom !== undefined && !atom.plain && (atom.char === '!' || atom.char === '^');
}

function classOf(members: readonly Atom[], token: Token): Part {
  const negated = isNegation(members[0]);
  const list = foldMembers(members.slice(negated ? 1 : 0));
  const ranges: [number, number][] = [];
  for (let at = 0; at < list.length; at++) {
    const from = list[at] as Atom;
    const to = list[at + 2];
    const isRange = list[at + 1]?.char === '-' && list[at + 1]?.plain === false && to !== undefined;
    const low = from.char.codePointAt(0) ?? 0;
    const high = isRange ? (to.char.codePointAt(0) ?? 0) : low;
    if (high < low) {
      const message = `the range ${from.char}-${to?.char} in ${token.text} runs backwards; swap its ends`;
      throw new FilterError('bad_range', message, from.column, token.text);
    }
    ranges.push([low, high]);
    if (isRange) at += 2;
  }
  return { kind: 'class', negated, ranges: joinRanges(ranges) };
}

/** Members in composed form: a letter and its mark become one member where Unicode knows them as one. */
function foldMembers(members: readonly Atom[]): Atom[] {
  const folded: Atom[] = [];
  for (const atom of members) {
    const before = folded.at(-1);
    const both =
      before === undefined || (before.char === '-' && !before.plain) ? undefined : fold(before.char + atom.char);
    if (both !== undefined && [...both].length === 1) folded.splice(-1, 1, { ...(before as Atom), char: both });
    else folded.push({ ...atom, char: fold(atom.char) });
  }
  return folded;
}
