/** One token of JSON at a place: white space first, then punctuation or a whole scalar. */
const SPACE = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these inside a string.
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/**
 * Where a text stops being JSON: the index (0-based) of the first token that can't stand there, which is the text's length when it
 * ends too early. For texts that JSON.parse refuses, whose own message need not tell.
 */
export function jsonPlace(text: string): number {
  const open: ('{' | '[')[] = [];
  let at = 0;
  /** What may come next. `value!`: a value, but no end of an empty list. */
  let want: 'value' | 'value!' | 'key' | 'key!' | 'colon' | 'next' = 'value!';
  const take = (token: RegExp): boolean => {
    token.lastIndex = at;
    if (!token.test(text)) return false;
    at = token.lastIndex;
    return true;
  };
  for (;;) {
    take(SPACE);
    const char = text[at];
    if (char === undefined) return at;
    if (want === 'key' || want === 'key!') {
      if (char === '}' && want === 'key') {
        open.pop();
        at += 1;
        want = 'next';
      } else if (take(STRING)) want = 'colon';
      else return at;
    } else if (want === 'colon') {
      if (char !== ':') return at;
      at += 1;
      want = 'value!';
    } else if (want === 'next') {
      const inside = open.at(-1);
      if (char === ',' && inside !== undefined) want = inside === '{' ? 'key!' : 'value!';
      else if (inside !== undefined && char === (inside === '{' ? '}' : ']')) open.pop();
      else return at;
      at += 1;
    } else if (char === ']' && want === 'value') {
      open.pop();
      at += 1;
      want = 'next';
    } else if (char === '{' || char === '[') {
      open.push(char);
      at += 1;
      want = char === '{' ? 'key' : 'value';
    } else if (take(STRING) || take(SCALAR)) want = 'next';
    else return at;
  }
}
