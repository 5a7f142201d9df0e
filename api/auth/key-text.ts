import { createHash, randomBytes } from 'node:crypto';

/**
 * The text of a key: `dsx_<id>_<secret>`, with an id of 16 hex digits that is no secret, and 256 random bits. The bits are as many as
 * the hash has, so nobody can try them all, and a slow hash (bcrypt, scrypt) would only cost every request its time: those are for
 * passwords that people think up.
 */
const KEY = /^dsx_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;

export function newKey(): { id: string; text: string } {
  const id = randomBytes(8).toString('hex');
  return { id, text: `dsx_${id}_${randomBytes(32).toString('base64url')}` };
}

/** The id in the text of a key, or undefined when it is none that was made here. */
export function idOfKey(text: string): string | undefined {
  return KEY.exec(text)?.[1];
}

/** What of a key may be shown, so that its owner knows it again. */
export function prefixOf(id: string): string {
  return `dsx_${id}`;
}

/** SHA-256. Digests have one length, so comparing them in constant time tells nothing about the text. */
export function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
