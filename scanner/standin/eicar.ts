/**
 * The EICAR test text, that every scanner agrees to call malicious and that harms nothing. Put together from pieces, so that
 * no file of ours is the test file.
 */
export const EICAR = Buffer.from(
  ['X5O!P%@AP[4\\PZX54(P^)7CC)7}', '$EICAR', '-STANDARD', '-ANTIVIRUS', '-TEST-FILE!', '$H+H*'].join(''),
  'latin1',
);

/** Longest body that still counts as the test file: the text, then white space. */
const LONGEST = 128;

export function isEicar(body: Buffer): boolean {
  if (body.length < EICAR.length || body.length > LONGEST) return false;
  if (EICAR.compare(body, 0, EICAR.length) !== 0) return false;
  for (let i = EICAR.length; i < body.length; i += 1) {
    if (!isBlank(body[i] as number)) return false;
  }
  return true;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0x1a;
}
