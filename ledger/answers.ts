import { randomBytes } from 'node:crypto';
import { LedgerError } from './errors.ts';
import { isHash } from './names.ts';
import { corrupt, encodeLines, hashOf, unfold } from './ndjson.ts';
import type { ObjectStore } from './store.ts';
import type { ObjectRef } from './types.ts';

/** Outside of every job: no job has a name that begins so. */
const ANSWERS = '_answers/';
const NAME = /^_answers\/[0-9a-f]{32}\.ndjson\.zst$/;

/** An answer is swept so long after it was written. In milliseconds. */
export const ANSWER_KEPT_MS = 3_600_000;

/** What an answer holds: facts, and a line for each of many things. */
export interface Answer {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly lines: readonly unknown[];
}

/**
 * Answers of activities that hold names of items: they travel through the ledger, so that a workflow's history holds only their
 * reference. They prove nothing, belong to no job, and are swept after an hour.
 */
export interface Answers {
  write(answer: Answer): Promise<ObjectRef>;
  /** @throws LedgerError `not_found` (swept), `invalid`, `corrupt`, … */
  read(ref: ObjectRef): Promise<Answer>;
  /** Removes those that were written before (ms since the epoch). Returns how many. */
  sweep(beforeMs: number): Promise<number>;
}

export function createAnswers(store: ObjectStore): Answers {
  return {
    async write({ facts, lines }) {
      const name = `${ANSWERS}${randomBytes(16).toString('hex')}.ndjson.zst`;
      const bytes = await encodeLines({ format: 1, facts }, lines);
      await store.put(name, bytes);
      return { name, hash: hashOf(bytes) };
    },
    async read({ name, hash }) {
      if (!isAnswer({ name, hash })) {
        throw new LedgerError('invalid', String(name), `${JSON.stringify(name)} is the name of no answer.`);
      }
      const bytes = await store.get(name);
      if (hashOf(bytes) !== hash) throw corrupt(name, 'its bytes are not those that its hash stands for');
      const lines = await unfold(name, bytes);
      const header = lines.parse(0) as { format?: unknown; facts?: unknown } | null;
      if (header?.format !== 1 || typeof header.facts !== 'object' || header.facts === null) {
        throw corrupt(name, 'its first line is no header of format 1');
      }
      return { facts: header.facts as Answer['facts'], lines: lines.values() };
    },
    async sweep(beforeMs) {
      let removed = 0;
      for await (const { name, modifiedMs } of store.list(ANSWERS)) {
        if (modifiedMs >= beforeMs || !NAME.test(name)) continue;
        await store.delete(name);
        removed += 1;
      }
      return removed + (await store.removeUnfinished(ANSWERS, beforeMs));
    },
  };
}

/** Whether this can be the reference of an answer. */
export function isAnswer(ref: ObjectRef): boolean {
  return typeof ref.name === 'string' && NAME.test(ref.name) && isHash(ref.hash);
}

/** The reference of an answer as one word, for clients that ask for what comes behind it. */
export function answerToken({ name, hash }: ObjectRef): string {
  return `${name.slice(ANSWERS.length, ANSWERS.length + 32)}${hash}`;
}

/** The reference that a token stands for; undefined when it is none. */
export function parseAnswerToken(token: string): ObjectRef | undefined {
  const ref = { name: `${ANSWERS}${token.slice(0, 32)}.ndjson.zst`, hash: token.slice(32) };
  return isAnswer(ref) ? ref : undefined;
}
