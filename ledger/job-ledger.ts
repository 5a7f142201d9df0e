import type { ActionIntent, ActionRow } from '../domain/action.ts';
import type { Item, ItemRef } from '../domain/item.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import { canonicalJson } from './canonical-json.ts';
import { type Chain, type Link, linkOf, longestChain, readCommitObject } from './chain.ts';
import { isLedgerError, LedgerError } from './errors.ts';
import type { JobObjects, LinesHeader } from './job-objects.ts';
import {
  checkPage,
  commitName,
  HEADER_NAME,
  JOIN_NAME,
  pageOfPart,
  parseCommitName,
  partName,
  uniqueName,
} from './names.ts';
import { corrupt, hashOf } from './ndjson.ts';
import { asHeader, asIndex, asJoin } from './schema.ts';
import type { CommitBody, IndexBody, JobHeader, JobJoin, ObjectRef, Writer } from './types.ts';

/** A commit as it lies in the chain. */
export interface Commit {
  readonly number: number;
  readonly hash: string;
  readonly body: CommitBody;
}

/** Writes of the API that no activity stands behind. */
const INTAKE: Writer = { run: '-', activity: 'intake', attempt: 0 };

/**
 * The ledger of one job. Everything is written once; what is read by reference is checked against its hash. All methods raise
 * LedgerErrors: writing `no_space`, `not_writable`, `not_there`, `unavailable`, `conflict`, `invalid`; reading `not_found`,
 * `corrupt`, `not_readable`, `unavailable`.
 */
export class JobLedger {
  readonly id: string;
  readonly objects: JobObjects;
  /** Commits that were read once: they can't change. */
  readonly #links = new Map<string, Link>();

  constructor(objects: JobObjects) {
    this.id = objects.job;
    this.objects = objects;
  }

  /** Writes what was asked for. Repeating it with the same header is accepted; another one is a `conflict`. */
  async writeHeader(header: JobHeader): Promise<ObjectRef> {
    this.#own(header.job, HEADER_NAME);
    return this.objects.put(HEADER_NAME, Buffer.from(canonicalJson(header)));
  }

  /** Undefined when the job has no header (yet). */
  async header(): Promise<JobHeader | undefined> {
    return (await this.readHeader())?.header;
  }

  /** As `header`, with the hash that the first commit names as its predecessor. */
  async readHeader(): Promise<{ header: JobHeader; hash: string; ref: ObjectRef } | undefined> {
    const found = await this.#json(HEADER_NAME);
    if (found === undefined) return undefined;
    const header = asHeader(HEADER_NAME, found.value);
    if (header.job !== this.id) throw corrupt(HEADER_NAME, `it belongs to the job ${JSON.stringify(header.job)}`);
    return { header, hash: found.ref.hash, ref: found.ref };
  }

  /** Writes that this job was never begun, because its start joined another one. */
  async writeJoin(join: JobJoin): Promise<ObjectRef> {
    this.#own(join.job, JOIN_NAME);
    return this.objects.put(JOIN_NAME, Buffer.from(canonicalJson(join)));
  }

  /** Undefined when its start joined no other job. */
  async readJoin(): Promise<{ join: JobJoin; ref: ObjectRef } | undefined> {
    const found = await this.#json(JOIN_NAME);
    if (found === undefined) return undefined;
    const join = asJoin(JOIN_NAME, found.value);
    if (join.job !== this.id) throw corrupt(JOIN_NAME, `it belongs to the job ${JSON.stringify(join.job)}`);
    return { join, ref: found.ref };
  }

  /** A JSON object right below the job; undefined when it is not there. */
  async #json(name: string): Promise<{ value: unknown; ref: ObjectRef } | undefined> {
    let bytes: Buffer;
    try {
      bytes = await this.objects.get(name);
    } catch (error) {
      if (isLedgerError(error, 'not_found')) return undefined;
      throw error;
    }
    try {
      return { value: JSON.parse(bytes.toString('utf8')), ref: { name, hash: hashOf(bytes) } };
    } catch (cause) {
      throw corrupt(name, 'it is no JSON', cause);
    }
  }

  /** Writes a page of the listing; its lines are the items, in order. */
  async writePage(page: string, items: readonly Item[], writer: Writer): Promise<ObjectRef> {
    const { lane } = checkPage(page);
    const header: LinesHeader = { format: 1, job: this.id, page, ...(lane > 0 && { rescan: true }) };
    return this.objects.putLines(uniqueName('pages', page, writer), header, items);
  }

  async readPage(ref: ObjectRef): Promise<Item[]> {
    return (await this.objects.lines(ref, 'pages')).lines.values();
  }

  async writeIndex(body: IndexBody, writer: Writer): Promise<ObjectRef> {
    this.#own(body.job, 'indexes/');
    const name = uniqueName('indexes', `${body.lane}-${body.epoch}`, writer);
    return this.objects.putLines(name, { format: 1, job: this.id }, [body]);
  }

  async readIndex(ref: ObjectRef): Promise<IndexBody> {
    const { lines } = await this.objects.lines(ref, 'indexes');
    if (lines.count !== 1) throw corrupt(ref.name, `it has ${lines.count} lines instead of one`);
    const body = asIndex(ref.name, lines.parse(1));
    if (body.job !== this.id) throw corrupt(ref.name, `it belongs to the job ${JSON.stringify(body.job)}`);
    return body;
  }

  /**
   * Writes the rows of a checkpoint. `previous` is the part before, of this page, whoever wrote it.
   * @returns the part's name, which the heartbeat carries
   */
  async writePart(
    page: string,
    part: number,
    previous: string | undefined,
    rows: readonly OutcomeRow[],
    writer: Writer,
  ): Promise<string> {
    checkPage(page);
    const name = partName(page, part, writer);
    const header = { format: 1, job: this.id, page, previous: previous ?? null } as const;
    return (await this.objects.putLines(name, header, rows)).name;
  }

  /** The rows of a part and of all before it, in the order they were written. */
  async readParts(lastName: string): Promise<OutcomeRow[]> {
    const parts: OutcomeRow[][] = [];
    const seen = new Set<string>();
    const items = new Set<string>();
    let page: string | undefined;
    let name: string | null = lastName;
    while (name !== null) {
      if (!name.startsWith('parts/')) throw corrupt(lastName, `it leads to ${JSON.stringify(name)}, which is no part`);
      if (seen.has(name)) throw corrupt(name, 'it comes before itself');
      seen.add(name);
      const { header, lines } = await this.objects.linesOf(name, page);
      page = header.page;
      const rows = lines.values<OutcomeRow>();
      for (const row of rows) {
        if (items.has(row.item)) throw corrupt(name, `the item ${row.item} has a second row`);
        items.add(row.item);
      }
      parts.push(rows);
      name = header.previous ?? null;
    }
    return parts.reverse().flat();
  }

  /** Removes parts. Only for parts of a page whose segment is written and counts. */
  async deleteParts(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if (!name.startsWith('parts/')) throw new LedgerError('invalid', name, `${JSON.stringify(name)} is no part.`);
    }
    for (const name of names) await this.objects.delete(name);
  }

  /** Removes all parts of pages whose segments are written and count. Other pages' parts stay. */
  async deletePartsOf(pages: Iterable<string>): Promise<void> {
    const closed = new Set(pages);
    if (closed.size === 0) return;
    const names: string[] = [];
    for await (const { name } of this.objects.list('parts')) {
      const page = pageOfPart(name);
      if (page !== undefined && closed.has(page)) names.push(name);
    }
    await this.deleteParts(names);
  }

  /** Writes a page's rows, sorted by ordinal. @throws LedgerError `invalid` when they are not sorted or not of this page */
  async writeSegment(page: string, rows: readonly OutcomeRow[], writer: Writer): Promise<ObjectRef> {
    checkPage(page);
    checkSorted(page, rows);
    return this.objects.putLines(uniqueName('segments', page, writer), { format: 1, job: this.id, page }, rows);
  }

  async readSegment(ref: ObjectRef): Promise<OutcomeRow[]> {
    return (await this.objects.lines(ref, 'segments')).lines.values();
  }

  /** Writes what is about to be done, before the first change to the storage. `batch` names the batch for people. */
  async writeIntents(batch: string, intents: readonly ActionIntent[], writer: Writer): Promise<ObjectRef> {
    return this.objects.putLines(uniqueName('intents', batch, writer), { format: 1, job: this.id }, intents);
  }

  async readIntents(ref: ObjectRef): Promise<ActionIntent[]> {
    return (await this.objects.lines(ref, 'intents')).lines.values();
  }

  /** Writes the rows whose actions are about to be undone, before the first change to the storage. */
  async writeUndone(batch: string, rows: readonly ActionRow[], writer: Writer): Promise<ObjectRef> {
    return this.objects.putLines(uniqueName('intents', batch, writer), { format: 1, job: this.id }, rows);
  }

  /** What `writeUndone` wrote. */
  async readUndone(ref: ObjectRef): Promise<ActionRow[]> {
    return (await this.objects.lines(ref, 'intents')).lines.values();
  }

  async writeActions(batch: string, rows: readonly ActionRow[], writer: Writer): Promise<ObjectRef> {
    return this.objects.putLines(uniqueName('actions', batch, writer), { format: 1, job: this.id }, rows);
  }

  async readActions(ref: ObjectRef): Promise<ActionRow[]> {
    return (await this.objects.lines(ref, 'actions')).lines.values();
  }

  /** Writes the items that a request named. */
  async writeIntake(items: readonly ItemRef[]): Promise<ObjectRef> {
    return this.objects.putLines(uniqueName('intake', 'items', INTAKE), { format: 1, job: this.id }, items);
  }

  async readIntake(ref: ObjectRef): Promise<ItemRef[]> {
    return (await this.objects.lines(ref, 'intake')).lines.values();
  }

  /** Writes a commit. Its bytes, and so its name and hash, follow from its value alone: repeating it is harmless. */
  async writeCommit(body: CommitBody): Promise<ObjectRef> {
    this.#own(body.job, 'commits/');
    if (!Number.isSafeInteger(body.number) || body.number < 1 || body.number > 99_999_999) {
      throw new LedgerError('invalid', 'commits/', `${body.number} can't be the number of a commit.`);
    }
    const bytes = Buffer.from(canonicalJson(body));
    return this.objects.put(commitName(body.number, hashOf(bytes)), bytes);
  }

  async readCommit(number: number, hash: string): Promise<CommitBody> {
    const name = commitName(number, hash);
    const found = await readCommitObject(this.objects, name);
    if (found.hash !== hash) throw corrupt(name, 'its bytes are not those that its hash stands for');
    return found.body;
  }

  /** The newest commit of the longest valid chain; undefined when there is none. A damaged commit counts as missing. */
  async head(): Promise<Commit | undefined> {
    const link = (await this.chain()).links.at(-1);
    if (link === undefined) return undefined;
    return { number: link.number, hash: link.hash, body: await this.readCommit(link.number, link.hash) };
  }

  /** The commits of the longest valid chain, first to last, read one at a time. */
  async *commits(): AsyncGenerator<Commit> {
    for (const { number, hash } of (await this.chain()).links) {
      yield { number, hash, body: await this.readCommit(number, hash) };
    }
  }

  /** The longest valid chain, without the commits' content. */
  async chain(): Promise<Chain> {
    const header = await this.readHeader();
    if (header === undefined) return { links: [], rivals: [] };
    const links: Link[] = [];
    for await (const { name } of this.objects.list('commits')) {
      const link = this.#links.get(name) ?? (await this.#readLink(name));
      if (link !== undefined) links.push(link);
    }
    return longestChain(links, header.hash);
  }

  async #readLink(name: string): Promise<Link | undefined> {
    if (parseCommitName(name) === undefined) return undefined;
    try {
      const { hash, body } = await readCommitObject(this.objects, name);
      const link = linkOf(hash, body);
      this.#links.set(name, link);
      return link;
    } catch (error) {
      if (isLedgerError(error, 'corrupt') || isLedgerError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  #own(job: string, name: string): void {
    if (job === this.id) return;
    throw new LedgerError('invalid', name, `The job ${JSON.stringify(job)} can't write to the ledger of ${this.id}.`);
  }
}

/** Whether two headers are the same, byte for byte. */
export function sameHeader(a: JobHeader, b: JobHeader): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function checkSorted(page: string, rows: readonly OutcomeRow[]): void {
  const prefix = `${page}:`;
  let last = -1;
  for (const { item } of rows) {
    const ordinal = item.startsWith(prefix) ? Number(item.slice(prefix.length)) : Number.NaN;
    if (!(ordinal > last)) {
      throw new LedgerError(
        'invalid',
        `segments/${page}`,
        `The rows of page ${page} are not in order at item ${item}.`,
      );
    }
    last = ordinal;
  }
}
