import { createHmac, randomBytes } from 'node:crypto';
import type { Drive } from './drive.ts';
import type { Reply, Request } from './http.ts';
import { eTagOf, type Node } from './node.ts';

/** Gives the bytes of items to whoever has their pre-authenticated address, for a while. */
export class Downloads {
  /** Milliseconds that a new address holds. */
  life = 3_600_000;
  /** Where the addresses lead: the server's own origin, or one that stands in front of it. */
  origin = '';
  readonly #key = randomBytes(16);
  readonly #find: (driveId: string, itemId: string) => Node | undefined;

  constructor(find: (driveId: string, itemId: string) => Node | undefined) {
    this.#find = find;
  }

  address(drive: Drive, node: Node): string {
    const text = Buffer.from(JSON.stringify([drive.id, node.id, Date.now() + this.life])).toString('base64url');
    return `${this.origin}/download?UniqueId=${node.guid}&tempauth=v1.${text}.${this.#sign(text)}`;
  }

  answer({ method, path, query, headers }: Request): Reply {
    // The address is the credential; one more of another kind is refused.
    if (headers.authorization !== undefined) return refusal(401, 'A pre-authenticated address takes no Authorization.');
    if (path !== '/download' || method !== 'GET') return refusal(404, 'Not found.');
    const [, text = '', signature] = query.get('tempauth')?.split('.') ?? [];
    if (signature !== this.#sign(text)) return refusal(401, 'The address was not made here.');
    const [driveId, itemId, until] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [string, string, number];
    if (until < Date.now()) return refusal(401, 'The address has expired.');
    const node = this.#find(driveId, itemId);
    if (node === undefined) return refusal(404, 'Not found.');
    if (node.malware) return refusal(403, 'Malware was detected.');
    const about = {
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      etag: eTagOf(node),
      'last-modified': node.modified.toUTCString(),
    };
    const range = rangeOf(headers.range, node.bytes.length);
    if (range === undefined) return { status: 200, headers: about, body: node.bytes };
    if (range === 'beyond') return { status: 416, headers: { 'content-range': `bytes */${node.bytes.length}` } };
    const part = `bytes ${range.first}-${range.last}/${node.bytes.length}`;
    const body = node.bytes.subarray(range.first, range.last + 1);
    return { status: 206, headers: { ...about, 'content-range': part }, body };
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}

/** Of `bytes=first-`, `bytes=first-last` and `bytes=-count`; anything else is no range. */
function rangeOf(header: string | undefined, size: number): { first: number; last: number } | 'beyond' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') return size === 0 ? 'beyond' : { first: Math.max(0, size - Number(to)), last: size - 1 };
  if (Number(from) >= size) return 'beyond';
  return { first: Number(from), last: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}

function refusal(status: number, text: string): Reply {
  return { status, headers: { 'content-type': 'text/html' }, body: `<html><body>${text}</body></html>` };
}
