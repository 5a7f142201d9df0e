import { randomBytes } from 'node:crypto';

/** One thing in a drive. A tombstone stays when it is deleted. */
export interface Node {
  readonly id: string;
  /** Of the tags. */
  readonly guid: string;
  /** `package`: a OneNote notebook; `shortcut`: a folder of another drive. Neither has bytes of its own. */
  readonly kind: 'folder' | 'file' | 'package' | 'shortcut';
  name: string;
  /** Undefined for the root alone. */
  parent: Node | undefined;
  /** Children by name in lower case: names differ by more than case. */
  readonly children: Map<string, Node>;
  bytes: Buffer;
  hash: string;
  /** Counts of the eTag (any change) and of the cTag (of the bytes). */
  eTag: number;
  cTag: number;
  readonly created: Date;
  modified: Date;
  /** Number of the drive's change that was its last. */
  changed: number;
  deleted: boolean;
  /** Somebody has it open or checked out. */
  locked: boolean;
  /** SharePoint's own scanner has found something. */
  malware: boolean;
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export function newNode(kind: Node['kind'], name: string, parent: Node | undefined): Node {
  const now = new Date();
  return {
    id: `01${Array.from(randomBytes(32), (byte) => BASE32[byte % 32]).join('')}`,
    guid: crypto.randomUUID().toUpperCase(),
    kind,
    name,
    parent,
    children: new Map(),
    bytes: Buffer.alloc(0),
    hash: '',
    eTag: 0,
    cTag: 0,
    created: now,
    modified: now,
    changed: 0,
    deleted: false,
    locked: false,
    malware: false,
  };
}

export function keyOf(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

export function eTagOf({ guid, eTag }: Node): string {
  return `"{${guid}},${eTag}"`;
}

export function cTagOf({ guid, cTag }: Node): string {
  return `"c:{${guid}},${cTag}"`;
}

/** Names from the root to this node, without the root's. */
export function namesOf(node: Node): string[] {
  return node.parent === undefined ? [] : [...namesOf(node.parent), node.name];
}

/** This node and all below it, parents first. */
export function* withAllBelow(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children.values()) yield* withAllBelow(child);
}

/** Longest path of a library, in UTF-16 units; longest name. */
const LONGEST_PATH = 400;
const LONGEST_NAME = 255;

/** Why SharePoint can't hold this name below this parent; undefined when it can. */
export function nameFault(name: string, parent: Node): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'The name is empty or a relative part of a path.';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/["*:<>?/\\|\u0000-\u001f\u007f]/.test(name)) return 'The name has a character that is not allowed.';
  if (name !== name.trim() || name.endsWith('.')) return 'The name begins or ends with a space, or ends with a period.';
  if (!name.isWellFormed()) return 'The name is no Unicode text.';
  if (/^(con|prn|aux|nul|com\d|lpt\d|\.lock|desktop\.ini)$/i.test(name) || /_vti_/i.test(name) || name.startsWith('~$'))
    return 'The name is reserved.';
  if (name.length > LONGEST_NAME) return `The name is longer than ${LONGEST_NAME}.`;
  const whole = [...namesOf(parent), name].join('/');
  return whole.length > LONGEST_PATH ? `The path is longer than ${LONGEST_PATH}.` : undefined;
}
