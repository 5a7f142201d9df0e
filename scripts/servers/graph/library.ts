import type { Drive } from './drive.ts';
import { cTagOf, eTagOf, type Node, namesOf, newNode, withAllBelow } from './node.ts';

export interface Facts {
  readonly id: string;
  readonly eTag: string;
  readonly cTag: string;
  readonly quickXorHash: string;
  readonly modified: Date;
}

/**
 * What other users of a library do to it, without Graph. Paths are names with `/` between them, from the root of the
 * library. What is not there, or can't be, raises an Error.
 */
export class Library {
  readonly drive: Drive;

  constructor(drive: Drive) {
    this.drive = drive;
  }

  /** Makes a file, and the folders above it. One of that name is deleted before: the new one has another id. */
  put(path: string, bytes: Uint8Array | string): Facts {
    const there = this.drive.find(path.split('/'));
    if (there !== undefined) this.drive.delete(there);
    return this.#make('file', path, bytes);
  }

  /** New bytes in the same file: a new eTag and a new cTag. */
  overwrite(path: string, bytes: Uint8Array | string): Facts {
    const node = this.#at(path);
    this.drive.write(node, Buffer.from(bytes));
    return factsOf(node);
  }

  /** A change that leaves the bytes as they are: a new eTag, and the old cTag. */
  touch(path: string): Facts {
    const node = this.#at(path);
    this.drive.touch(node);
    return factsOf(node);
  }

  /** Into the recycle bin, with all below it. */
  remove(path: string): void {
    this.drive.delete(this.#at(path));
  }

  move(path: string, to: string): Facts {
    const names = to.split('/');
    const node = this.#at(path);
    this.drive.move(node, this.drive.folder(names.slice(0, -1)), names.at(-1) as string);
    return factsOf(node);
  }

  makeFolder(path: string): Facts {
    return factsOf(this.drive.folder(path.split('/')));
  }

  /** A OneNote notebook. */
  putPackage(path: string): Facts {
    return this.#make('package', path, '');
  }

  /** A link to a folder of another drive. */
  putShortcut(path: string): Facts {
    return this.#make('shortcut', path, '');
  }

  /** Somebody has it open: it can't be changed, moved or deleted (423). */
  lock(path: string, locked = true): void {
    this.#at(path).locked = locked;
  }

  /** SharePoint's own scanner finds something: its bytes are refused. */
  markMalware(path: string): void {
    const node = this.#at(path);
    node.malware = true;
    this.drive.touch(node);
  }

  facts(path: string): Facts | undefined {
    const node = this.drive.find(path.split('/'));
    return node && factsOf(node);
  }

  /** Bytes of every file, by path. */
  contents(): Map<string, Buffer> {
    const files = [...withAllBelow(this.drive.root)].filter(({ kind }) => kind === 'file');
    return new Map(files.map((node) => [namesOf(node).join('/'), node.bytes]));
  }

  /** Paths of all folders. */
  folders(): string[] {
    const folders = [...withAllBelow(this.drive.root)].filter(({ kind, parent }) => kind === 'folder' && parent);
    return folders.map((node) => namesOf(node).join('/'));
  }

  /** What was deleted, by its former path, latest last. */
  recycleBin(): { readonly path: string; readonly bytes: Buffer }[] {
    return this.drive.recycleBin.map((node) => ({ path: namesOf(node).join('/'), bytes: node.bytes }));
  }

  #make(kind: Node['kind'], path: string, bytes: Uint8Array | string): Facts {
    const names = path.split('/');
    const node = this.drive.add(newNode(kind, names.at(-1) as string, this.drive.folder(names.slice(0, -1))));
    if (kind === 'file') this.drive.write(node, Buffer.from(bytes));
    return factsOf(node);
  }

  #at(path: string): Node {
    const node = this.drive.find(path.split('/'));
    if (node === undefined) throw new Error(`the library has no ${path}`);
    return node;
  }
}

function factsOf(node: Node): Facts {
  return { id: node.id, eTag: eTagOf(node), cTag: cTagOf(node), quickXorHash: node.hash, modified: node.modified };
}
