import { randomBytes } from 'node:crypto';
import { GraphFailure } from './http.ts';
import { keyOf, type Node, nameFault, newNode, withAllBelow } from './node.ts';
import { quickXorHash } from './quick-xor.ts';

export type Conflict = 'fail' | 'rename' | 'replace';

export const notFound = () => new GraphFailure(404, 'itemNotFound', 'The resource could not be found.');
export const nameTaken = () => new GraphFailure(409, 'nameAlreadyExists', 'An item with the same name already exists.');
const isLocked = () => new GraphFailure(423, 'resourceLocked', 'The resource is checked out or open for editing.');

/** The state of one library or OneDrive: nodes, and the order in which they changed last. */
export class Drive {
  readonly id = `b!${randomBytes(48).toString('base64url')}`;
  readonly name: string;
  /** Address of the library in the browser. */
  readonly webUrl: string;
  readonly kind: 'documentLibrary' | 'business';
  readonly root = newNode('folder', 'root', undefined);
  /** What was deleted and can be had back by a person, latest last. */
  readonly recycleBin: Node[] = [];
  /** Called after every change. */
  onChange: () => void = () => undefined;
  readonly #nodes = new Map<string, Node>();
  /** The node of each change; a node's earlier changes are stale. */
  readonly #log: Node[] = [];

  constructor(name: string, webUrl: string, kind: Drive['kind'] = 'documentLibrary') {
    this.name = name;
    this.webUrl = webUrl;
    this.kind = kind;
    this.#nodes.set(this.root.id, this.root);
    this.#touch(this.root);
  }

  /** Changes so far. */
  get changes(): number {
    return this.#log.length;
  }

  /** Nodes whose last change came after this one, in the order of their changes, each with its number. */
  *changedAfter(change: number): Generator<{ node: Node; change: number }> {
    for (let i = change; i < this.#log.length; i++) {
      const node = this.#log[i] as Node;
      if (node.changed === i + 1) yield { node, change: i + 1 };
    }
  }

  /** @throws GraphFailure 404 */
  node(id: string): Node {
    const found = this.#nodes.get(id);
    if (found === undefined || found.deleted) throw notFound();
    return found;
  }

  find(names: readonly string[]): Node | undefined {
    let at: Node | undefined = this.root;
    for (const name of names) at = at?.children.get(keyOf(name));
    return at;
  }

  /** The folder of these names, made where it is missing. */
  folder(names: readonly string[], from = this.root): Node {
    let at = from;
    for (const name of names) {
      const there = at.children.get(keyOf(name));
      if (there !== undefined && there.kind !== 'folder') throw nameTaken();
      at = there ?? this.add(newNode('folder', name, at));
    }
    return at;
  }

  /** @throws GraphFailure 400 for a name that can't be, 409 for one that is taken */
  add(node: Node): Node {
    const { parent } = node;
    if (parent === undefined || parent.kind !== 'folder') throw new GraphFailure(400, 'invalidRequest', 'No folder.');
    this.#checkName(node.name, parent);
    if (parent.children.has(keyOf(node.name))) throw nameTaken();
    parent.children.set(keyOf(node.name), node);
    this.#nodes.set(node.id, node);
    node.cTag += 1;
    this.#touch(node);
    return node;
  }

  write(node: Node, bytes: Uint8Array): void {
    if (node.locked) throw isLocked();
    node.bytes = Buffer.from(bytes);
    node.hash = quickXorHash(node.bytes);
    node.modified = new Date();
    node.cTag += 1;
    this.#touch(node);
  }

  /** Another folder or name, or both: a new eTag, and the old cTag. */
  move(node: Node, parent: Node, name: string): void {
    if (node.locked) throw isLocked();
    if (node.parent === undefined || parent.kind !== 'folder' || [...withAllBelow(node)].includes(parent))
      throw new GraphFailure(400, 'invalidRequest', 'An item can not be moved there.');
    this.#checkName(name, parent);
    const there = parent.children.get(keyOf(name));
    if (there !== undefined && there !== node) throw nameTaken();
    node.parent.children.delete(keyOf(node.name));
    node.parent = parent;
    node.name = name;
    parent.children.set(keyOf(name), node);
    this.#touch(node);
  }

  /** Into the recycle bin with all below it, or for good. */
  delete(node: Node, options: { readonly forGood?: boolean } = {}): void {
    if (node.parent === undefined) throw new GraphFailure(400, 'invalidRequest', 'The root can not be deleted.');
    const all = [...withAllBelow(node)];
    if (all.some(({ locked }) => locked)) throw isLocked();
    node.parent.children.delete(keyOf(node.name));
    for (const one of all.reverse()) {
      one.deleted = true;
      this.#touch(one);
    }
    if (!options.forGood) this.recycleBin.push(node);
  }

  /** Something about a node changed that is none of the above. */
  touch(node: Node): void {
    this.#touch(node);
  }

  /** A name like this one that is free: `a.txt`, `a 1.txt`, `a 2.txt`, … */
  freeName(parent: Node, name: string): string {
    const [, stem = name, ending = ''] = /^(.+?)(\.[^.]*)?$/s.exec(name) ?? [];
    for (let n = 0; ; n++) {
      const tried = n === 0 ? name : `${stem} ${n}${ending}`;
      if (!parent.children.has(keyOf(tried))) return tried;
    }
  }

  #checkName(name: string, parent: Node): void {
    const fault = nameFault(name, parent);
    if (fault !== undefined) throw new GraphFailure(400, 'invalidRequest', fault);
  }

  #touch(node: Node): void {
    node.eTag += 1;
    this.#log.push(node);
    node.changed = this.#log.length;
    this.onChange();
  }
}
