import { randomBytes } from 'node:crypto';
import { checkJob } from './names.ts';
import type { ObjectStore } from './store.ts';

/** Outside of every job: no job has a name that begins so. */
const FOLDER = '_cleared/';
const NAME = /^(\d{13,16})-[0-9a-f]{16}$/;
/** The mark of all jobs. No job has this name. */
const ALL = '_all';

export const CLEARED = ['results', 'jobs', 'dead-letter'] as const;
export type Cleared = (typeof CLEARED)[number];

/** Until when something is no longer shown, in milliseconds since the epoch; 0: nobody ever asked for that. */
export interface ClearedUntil {
  readonly all: number;
  of(job: string): number;
}

/**
 * What clients of the former product cleared: they are no longer shown it. Nothing of it is deleted, since the ledger is the account.
 * Append-only, like everything here. All methods throw LedgerError.
 */
export interface ClearMarks {
  /** @param job undefined: all jobs */
  add(what: Cleared, job: string | undefined, at: number): Promise<void>;
  read(what: Cleared): Promise<ClearedUntil>;
}

export function createClearMarks(store: ObjectStore): ClearMarks {
  return {
    async add(what, job, at) {
      const of = job === undefined ? ALL : checkJob(job);
      const name = `${at}-${randomBytes(8).toString('hex')}`;
      await store.put(`${FOLDER}${what}/${of}/${name}`, Buffer.from('{"format":1}'));
    },
    async read(what) {
      const until = new Map<string, number>();
      const prefix = `${FOLDER}${what}/`;
      for await (const { name } of store.list(prefix)) {
        const [of = '', mark = ''] = name.slice(prefix.length).split('/');
        const at = Number(NAME.exec(mark)?.[1] ?? 0);
        until.set(of, Math.max(at, until.get(of) ?? 0));
      }
      const all = until.get(ALL) ?? 0;
      return { all, of: (job) => Math.max(all, until.get(job) ?? 0) };
    },
  };
}
