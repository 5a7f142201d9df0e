import { CodedError } from '../errors.ts';

/**
 * Why a filter does not parse. Closed set.
 * - `too_long`, `too_many_patterns`: above the limits of `LIMITS`
 * - `open_quote`, `open_escape`, `open_class`, `open_brace`: something begun and not ended
 * - `dangling_directive`: `+`, `-`, `--include` or `--exclude` with nothing behind it
 * - `unknown_directive`: begins with `--` and is neither
 * - `empty_pattern`: a directive whose pattern names nothing
 * - `parent_segment`: a `..`
 * - `bad_range`: a class with a range that runs backwards
 */
export type FilterCode =
  | 'too_long'
  | 'too_many_patterns'
  | 'open_quote'
  | 'open_escape'
  | 'open_class'
  | 'open_brace'
  | 'dangling_directive'
  | 'unknown_directive'
  | 'empty_pattern'
  | 'parent_segment'
  | 'bad_range';

export class FilterError extends CodedError<FilterCode> {
  /** Where, in the text of the filter: 1 for its first character. */
  readonly column: number;
  /** The part of the text that it is about. */
  readonly token: string;

  constructor(code: FilterCode, message: string, column: number, token: string) {
    super(code, message);
    this.column = column;
    this.token = token;
  }
}

/** Longest filter, in characters, and most patterns in it. */
export const LIMITS = { characters: 4096, patterns: 200 } as const;
