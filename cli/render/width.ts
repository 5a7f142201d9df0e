const ZERO = /^[\p{M}\p{Cf}]$/u;
const WIDE =
  /^[\p{Emoji_Presentation}\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]$/u;

/** Columns that a text without escape sequences takes on a terminal. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** The text, cut at its end to `columns` with `…` where it is longer. */
export function cut(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  return columns < 1 ? '' : `${head(text, columns - 1)}…`;
}

/** A path, cut in its middle to `columns`, so that both where it starts and its name remain. */
export function cutPath(path: string, columns: number): string {
  if (displayWidth(path) <= columns) return path;
  if (columns < 8) return cut(path, columns);
  const tail = Math.ceil(((columns - 1) * 2) / 3);
  const reversed = [...path].reverse().join('');
  return `${head(path, columns - 1 - tail)}…${[...head(reversed, tail)].reverse().join('')}`;
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)));
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - displayWidth(text))) + text;
}

function charWidth(char: string): number {
  if (ZERO.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}

function head(text: string, columns: number): string {
  let out = '';
  let width = 0;
  for (const char of text) {
    width += charWidth(char);
    if (width > columns) break;
    out += char;
  }
  return out;
}
