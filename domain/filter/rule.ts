import { fold } from './fold.ts';
import { writeGlob } from './glob.ts';
import type { Segment } from './pattern.ts';

/** One include or exclude, ready for use. */
export interface Rule {
  test(path: Path): boolean;
  /** As it is written in the canonical form: parses to the same rule. */
  readonly text: string;
}

/** A location in the forms that rules look at, each made when first asked for. */
export class Path {
  /** Folded. */
  readonly text: string;
  #names: readonly string[] | undefined;
  #base: string | undefined;
  #slashed: string | undefined;

  constructor(location: string) {
    this.text = fold(location);
  }

  get names(): readonly string[] {
    this.#names ??= this.text.split('/');
    return this.#names;
  }

  /** The last name. */
  get base(): string {
    this.#base ??= this.text.slice(this.text.lastIndexOf('/') + 1);
    return this.#base;
  }

  /** The text between two slashes. */
  get slashed(): string {
    this.#slashed ??= `/${this.text}/`;
    return this.#slashed;
  }
}

/** Equal runs of `*` and `**` written one way: the single ones first, then one `**` if there was any. */
export function tidy(segments: readonly Segment[]): readonly Segment[] {
  const tidied: Segment[] = [];
  let deep: Segment | undefined;
  for (const segment of segments) {
    if (segment.kind === 'deep') {
      deep = segment;
    } else if (segment.kind === 'any') {
      tidied.push(segment);
    } else {
      if (deep !== undefined) tidied.push(deep);
      deep = undefined;
      tidied.push(segment);
    }
  }
  if (deep !== undefined) tidied.push(deep);
  return tidied;
}

export function writeSegments(segments: readonly Segment[]): string {
  return segments
    .map((segment) => {
      if (segment.kind === 'name') return writeGlob(segment.parts);
      return segment.kind === 'any' ? '*' : '**';
    })
    .join('/');
}
