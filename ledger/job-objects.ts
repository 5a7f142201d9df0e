import { LedgerError } from './errors.ts';
import { type Folder, isHash } from './names.ts';
import { corrupt, encodeLines, hashOf, type Lines, unfold } from './ndjson.ts';
import type { ObjectStore, StoredObject } from './store.ts';
import type { ObjectRef } from './types.ts';

/** The first line of every object of lines. */
export interface LinesHeader {
  readonly format: 1;
  readonly job: string;
  /** Page id, of pages, parts and segments. */
  readonly page?: string;
  /** Set on pages of what item actions listed again. */
  readonly rescan?: true;
  /** The part before, of parts; null for the first. */
  readonly previous?: string | null;
}

/** The objects of one job: names are relative to the job's folder, and what is read by reference is checked against its hash. */
export class JobObjects {
  readonly job: string;
  readonly #store: ObjectStore;

  constructor(store: ObjectStore, job: string) {
    this.#store = store;
    this.job = job;
  }

  /** The whole path of an object, for messages. */
  path(name: string): string {
    return `${this.#store.place}/${this.job}/${name}`;
  }

  async put(name: string, bytes: Uint8Array): Promise<ObjectRef> {
    await this.#store.put(`${this.job}/${name}`, bytes);
    return { name, hash: hashOf(bytes) };
  }

  async putLines(name: string, header: LinesHeader, values: readonly unknown[]): Promise<ObjectRef> {
    return this.put(name, await encodeLines(header, values));
  }

  /** The stored bytes. @throws LedgerError `not_found`, `not_readable`, `unavailable` */
  get(name: string): Promise<Buffer> {
    return this.#store.get(`${this.job}/${name}`);
  }

  /** The stored bytes, if they are those that the reference names. @throws LedgerError `corrupt`, `not_found`, … */
  async getChecked(ref: ObjectRef, folder: Folder): Promise<Buffer> {
    if (typeof ref.name !== 'string' || !ref.name.startsWith(`${folder}/`) || !isHash(ref.hash)) {
      throw new LedgerError('invalid', String(ref.name), `${JSON.stringify(ref)} names no object of ${folder}/.`);
    }
    const bytes = await this.get(ref.name);
    if (hashOf(bytes) !== ref.hash) throw corrupt(ref.name, 'its bytes are not those that its hash stands for');
    return bytes;
  }

  /** The lines of an object by reference, with hash and header checked. */
  async lines(ref: ObjectRef, folder: Folder, page?: string): Promise<{ header: LinesHeader; lines: Lines }> {
    return this.#open(ref.name, await this.getChecked(ref, folder), page);
  }

  /** The lines of an object that is known by its name alone. */
  async linesOf(name: string, page?: string): Promise<{ header: LinesHeader; lines: Lines }> {
    return this.#open(name, await this.get(name), page);
  }

  async #open(name: string, bytes: Buffer, page?: string): Promise<{ header: LinesHeader; lines: Lines }> {
    const lines = await unfold(name, bytes);
    const header = lines.parse(0) as Partial<LinesHeader> | null;
    if (header === null || typeof header !== 'object' || header.format !== 1) {
      throw corrupt(name, 'its first line is no header of format 1');
    }
    if (header.job !== this.job) throw corrupt(name, `its header names the job ${JSON.stringify(header.job)}`);
    if (page !== undefined && header.page !== page) {
      throw corrupt(name, `its header names the page ${JSON.stringify(header.page)} instead of ${page}`);
    }
    return { header: header as LinesHeader, lines };
  }

  /** Every object of the job, or of one folder, by its name within the job. */
  async *list(folder?: Folder): AsyncGenerator<StoredObject> {
    const prefix = `${this.job}/`;
    for await (const object of this.#store.list(folder === undefined ? prefix : `${prefix}${folder}/`)) {
      yield { ...object, name: object.name.slice(prefix.length) };
    }
  }

  delete(name: string): Promise<void> {
    return this.#store.delete(`${this.job}/${name}`);
  }

  removeUnfinished(beforeMs: number): Promise<number> {
    return this.#store.removeUnfinished(`${this.job}/`, beforeMs);
  }
}
