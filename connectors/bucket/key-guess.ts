const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const VISIBLE = String.fromCharCode(...Array.from({ length: 0x5f }, (_, i) => 0x20 + i));
/** What the characters at one place of a key may be taken from, each in byte order, the smallest first. */
const ALPHABETS = [
  DIGITS,
  `${DIGITS}abcdef`,
  `${DIGITS}ABCDEF`,
  LOWER,
  UPPER,
  `${DIGITS}${LOWER}`,
  `${DIGITS}${UPPER}`,
  `${DIGITS}${UPPER}${LOWER}`,
  VISIBLE,
];
/** So many places behind the one where the first and the last key differ are looked at. */
const DETAIL = 6;
/** So many keys of a page are looked at. */
const SAMPLE = 32;
/** Pages are divided so finely. */
const PARTS = 1024;

/** Keys in ascending order, and how many pages they stretch over. */
export interface Stretch {
  readonly keys: readonly string[];
  readonly pages: number;
}

/**
 * A key that probably lies so many pages behind another: keys are read as numbers, each place in the smallest alphabet that
 * holds what stands there, and the stretch is laid on behind. Any key will do: a poor guess costs requests, nothing else.
 * @param key as long as the stretch is, behind it or its last
 * @returns undefined where the keys say nothing: fewer than two, no ASCII where they differ, or no key of that length behind
 */
export function keyBehind(key: string, stretch: Stretch, pages: number): string | undefined {
  const { keys } = stretch;
  const [first, last] = [keys[0], keys.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  let same = 0;
  while (first[same] === last[same]) same += 1;
  const alphabets = alphabetsOf([...sampled(keys), last, key], same + DETAIL);
  const length = numberOf(last, alphabets) - numberOf(first, alphabets);
  const step = (length * BigInt(Math.round((pages / stretch.pages) * PARTS))) / BigInt(PARTS);
  const found = textOf(numberOf(key, alphabets) + step, alphabets);
  return found !== undefined && found > key ? found : undefined;
}

function sampled(keys: readonly string[]): string[] {
  const stride = Math.max(1, Math.floor(keys.length / SAMPLE));
  return keys.filter((_, i) => i % stride === 0);
}

/** One alphabet a place, up to the first place with a character that is not ASCII. What is no letter or digit stands alone. */
function alphabetsOf(keys: readonly string[], most: number): string[] {
  const alphabets: string[] = [];
  for (let place = 0; place < most; place++) {
    const met = new Set(keys.map((key) => key[place]).filter((one) => one !== undefined));
    const [only] = met;
    if (only === undefined) break;
    const alone = met.size === 1 && !/[0-9A-Za-z]/.test(only) && VISIBLE.includes(only);
    const alphabet = alone ? only : ALPHABETS.find((one) => [...met].every((character) => one.includes(character)));
    if (alphabet === undefined) break;
    alphabets.push(alphabet);
  }
  return alphabets;
}

function numberOf(key: string, alphabets: readonly string[]): bigint {
  let number = 0n;
  for (const [place, alphabet] of alphabets.entries()) {
    const digit = key[place] === undefined ? 0 : Math.max(0, alphabet.indexOf(key[place]));
    number = number * BigInt(alphabet.length) + BigInt(digit);
  }
  return number;
}

/** Undefined for a number that needs more places. */
function textOf(number: bigint, alphabets: readonly string[]): string | undefined {
  let text = '';
  let rest = number;
  for (const alphabet of alphabets.toReversed()) {
    text = alphabet[Number(rest % BigInt(alphabet.length))] + text;
    rest /= BigInt(alphabet.length);
  }
  return rest === 0n ? text : undefined;
}
