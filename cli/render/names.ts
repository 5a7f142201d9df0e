import type { ItemRef } from '../../domain/item.ts';

/** Everything that a terminal may obey, hide or reorder: controls, formats (bidi, zero width), odd spaces, blank letters. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\u115F\u1160\u2800\u3164\uFFA0]|(?! )\p{Zs}/u;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

/**
 * A name as it may be printed: whatever a terminal would obey, hide or reorder is shown as an escape (`\n`, `\x1b`,
 * `\u{202e}`), a backslash as `\\`, and a space at either end as `\x20`. Different names never print alike for such reasons.
 */
export function visible(name: string): string {
  let out = '';
  for (const char of name) out += SHORT[char] ?? (INVISIBLE.test(char) ? escaped(char) : char);
  return out.replace(/^ | $/g, '\\x20');
}

function escaped(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** The location of an item as it may be printed; bytes that are no UTF-8 are shown as `\xNN`, exactly. */
export function visibleLocation(ref: ItemRef): string {
  if (ref.locationBytes === undefined) return visible(ref.location);
  return visibleBytes(Buffer.from(ref.locationBytes, 'base64'));
}

/** A name given as bytes, as it may be printed. */
export function visibleBytes(bytes: Uint8Array): string {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let out = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0);
    const part = bytes.subarray(at, at + length);
    try {
      out += visibleInside(strict.decode(part));
      at += part.length;
    } catch {
      out += `\\x${(bytes[at] ?? 0).toString(16).padStart(2, '0')}`;
      at += 1;
    }
  }
  return out.replace(/^ | $/g, '\\x20');
}

/** As `visible`, for a part of a name: spaces at its ends are ordinary. */
export function visibleInside(text: string): string {
  return visible(`.${text}.`).slice(1, -1);
}

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first >= 0xf0) return 4;
  return first >= 0xe0 ? 3 : 2;
}
