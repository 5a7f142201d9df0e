/** Characters whose composed form would be an ASCII character. They stay as they are, so that an ASCII prefix stays one. */
const KEPT = /([\u037e\u1fef\u212a])/;

/**
 * The form in which names and patterns are compared: composed (NFC), so that one name written in two ways is one name.
 * Case, order and everything else stay.
 */
export function fold(text: string): string {
  if (!KEPT.test(text)) return text.normalize('NFC');
  return text
    .split(KEPT)
    .map((part, i) => (i % 2 === 1 ? part : part.normalize('NFC')))
    .join('');
}
