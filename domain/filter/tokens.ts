import { FilterError, LIMITS } from './errors.ts';

/** One character of a pattern. `plain`: a backslash stood before it, so that it means itself. */
export interface Atom {
  readonly char: string;
  readonly plain: boolean;
  /** 1-based place in the text. */
  readonly column: number;
}

/** A pattern of the filter, with what it is for. */
export interface Token {
  readonly exclude: boolean;
  readonly atoms: readonly Atom[];
  readonly column: number;
  /** As it stands in the text, quotes and all. */
  readonly text: string;
}

/** A token before directives are read. */
interface Word extends Omit<Token, 'exclude'> {
  /** Its characters up to the first quote or backslash: only these are read as a directive. */
  readonly head: string;
  /** No quote and no backslash in it. */
  readonly bare: boolean;
}

/**
 * Splits a filter into patterns: separated by white space and commas; quotes group; a backslash makes the next character
 * plain (except between single quotes); `+`, `-`, `--include` and `--exclude` say what a pattern is for.
 * @throws FilterError
 */
export function tokenize(text: string): Token[] {
  if (text.length > LIMITS.characters) {
    const message = `the filter has ${text.length} characters, more than ${LIMITS.characters}; use fewer or broader patterns`;
    throw new FilterError('too_long', message, LIMITS.characters + 1, '');
  }
  const tokens = direct(split(text));
  const surplus = tokens[LIMITS.patterns];
  if (surplus !== undefined) {
    const message = `the filter has ${tokens.length} patterns, more than ${LIMITS.patterns}; use fewer or broader ones`;
    throw new FilterError('too_many_patterns', message, surplus.column, surplus.text);
  }
  return tokens;
}

const SEPARATOR = /[\s,]/u;

function split(text: string): Word[] {
  const words: Word[] = [];
  for (let at = 0; at < text.length; ) {
    if (SEPARATOR.test(text.charAt(at))) {
      at += 1;
      continue;
    }
    const { word, end } = readWord(text, at);
    words.push(word);
    at = end;
  }
  return words;
}

/** The word that starts at `start`, and the index behind it. */
function readWord(text: string, start: number): { word: Word; end: number } {
  const atoms: Atom[] = [];
  let at = start;
  let quote = '';
  let quotedAt = 0;
  let head: string | undefined;
  let braces = 0;
  while (at < text.length && (quote !== '' || !SEPARATOR.test(text.charAt(at)))) {
    const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (char === quote) {
      quote = '';
    } else if (quote === '' && (char === '"' || char === "'")) {
      head ??= text.slice(start, at);
      quote = char;
      quotedAt = at;
    } else if (char === '\\' && quote !== "'") {
      head ??= text.slice(start, at);
      at += 1;
      const next = text.codePointAt(at);
      if (next === undefined) {
        const message = 'the filter ends in a backslash; write \\\\ for the character itself';
        throw new FilterError('open_escape', message, at, text.slice(start));
      }
      atoms.push({ char: String.fromCodePoint(next), plain: true, column: at });
      at += next > 0xffff ? 2 : 1;
      continue;
    } else {
      atoms.push({ char, plain: false, column: at + 1 });
      if (quote === '') braces += char === '{' ? 1 : char === '}' && braces > 0 ? -1 : 0;
    }
    at += char.length;
  }
  const whole = text.slice(start, at);
  if (quote !== '') {
    const message = `the quote ${quote} is not closed; close it, or write \\${quote} for the character itself`;
    throw new FilterError('open_quote', message, quotedAt + 1, whole);
  }
  if (braces > 0 && text.charAt(at) === ',') {
    const message = `${whole} ends at a comma inside braces, which mean nothing here: write the patterns one by one (*.zip *.docx), or put quotes around a name with braces`;
    throw new FilterError('open_brace', message, start + 1, whole);
  }
  return { word: { atoms, column: start + 1, text: whole, head: head ?? whole, bare: head === undefined }, end: at };
}

/** Reads the directives: what each word is for. */
function direct(words: readonly Word[]): Token[] {
  const tokens: Token[] = [];
  let pending: { word: Word; exclude: boolean } | undefined;
  for (const word of words) {
    const { head, bare, text, column } = word;
    const [, directive] = /^(--include=|--exclude=|\+|-)/.exec(head) ?? [];
    if (pending !== undefined) {
      if (directive !== undefined) {
        const message = `${pending.word.text} needs a pattern behind it, and ${text} is a directive itself; put quotes around it if it is a name`;
        throw new FilterError('dangling_directive', message, pending.word.column, pending.word.text);
      }
      tokens.push(token(word, pending.exclude, 0));
      pending = undefined;
    } else if (bare && /^([+-]|--include|--exclude)$/.test(head)) {
      pending = { word, exclude: head === '-' || head === '--exclude' };
    } else if (directive === '-' && head.startsWith('--')) {
      const message = `${text} is no directive; there are --include and --exclude (or + and -); put quotes around it if it is a name`;
      throw new FilterError('unknown_directive', message, column, text);
    } else if (directive !== undefined) {
      tokens.push(token(word, directive === '-' || directive === '--exclude=', directive.length));
    } else if (word.atoms.length > 0) {
      tokens.push(token(word, false, 0));
    }
  }
  if (pending !== undefined) {
    const { text, column } = pending.word;
    throw new FilterError('dangling_directive', `${text} needs a pattern behind it`, column, text);
  }
  return tokens;
}

function token(word: Word, exclude: boolean, skip: number): Token {
  const atoms = word.atoms.slice(skip);
  if (atoms.length === 0) {
    const message = `${word.text} names nothing; put a pattern behind the directive, or leave it out`;
    throw new FilterError('empty_pattern', message, word.column, word.text);
  }
  return { exclude, atoms, column: word.column, text: word.text };
}
