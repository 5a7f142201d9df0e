import { randomBytes } from 'node:crypto';
import { isLedgerError, LedgerError } from '../errors.ts';
import { checkName, checkPrefix, type ObjectStore } from '../store.ts';
import type { Bucket } from './bucket.ts';

export interface BucketStoreOptions {
  /** For people: the URL of bucket and prefix, without `/` at its end. */
  readonly place: string;
  /** Empty, or ends with `/`. */
  readonly prefix: string;
  /**
   * Whether every store behind this API refuses to create what is there. If not, the first write of a process finds out, and a store that
   * would overwrite is asked before each write and after it: all but writers of the same moment are then told apart.
   */
  readonly conditional: boolean;
}

/** Written again and again to find out whether the store refuses what is there already. */
const TRIAL_NAME = 'condition.txt';

/** The store of the ledger in a bucket. An upload is one request, so there are no unfinished ones of ours. */
export function createBucketStore(bucket: Bucket, { place, prefix, conditional }: BucketStoreOptions): ObjectStore {
  let refuses: Promise<boolean> | undefined = conditional ? Promise.resolve(true) : undefined;

  const storeRefuses = (): Promise<boolean> => {
    const trial = refuses ?? tryCondition(bucket, `${prefix}${TRIAL_NAME}`);
    refuses = trial;
    trial.catch(() => {
      if (refuses === trial) refuses = undefined;
    });
    return trial;
  };

  /** Whether these bytes lie there; false when nothing does. @throws LedgerError `conflict` */
  const holds = async (name: string, bytes: Uint8Array): Promise<boolean> => {
    let found: Buffer;
    try {
      found = await bucket.get(`${prefix}${name}`);
    } catch (error) {
      if (isLedgerError(error, 'not_found')) return false;
      throw error;
    }
    if (found.equals(bytes)) return true;
    const what = `${place}/${name} is written once, and other content lies there already.`;
    throw new LedgerError('conflict', name, `${what} Nothing was changed; find out who writes to this ledger.`);
  };

  const unsettled = (name: string): LedgerError =>
    new LedgerError('unavailable', name, `Somebody else wrote or removed ${place}/${name} at the same moment.`);

  return {
    place,
    async put(name, bytes) {
      checkName(name);
      const key = `${prefix}${name}`;
      if (await storeRefuses()) {
        if ((await bucket.create(key, bytes)) === 'created') return;
        if (!(await holds(name, bytes))) throw unsettled(name);
      } else if (!(await holds(name, bytes))) {
        await bucket.write(key, bytes);
        if (!(await holds(name, bytes))) throw unsettled(name);
      }
    },
    async get(name) {
      checkName(name);
      return bucket.get(`${prefix}${name}`);
    },
    async *list(below) {
      checkPrefix(below);
      for await (const { objects } of bucket.list(`${prefix}${below}`, false)) {
        for (const object of objects) {
          const name = object.name.slice(prefix.length);
          // Marks that other tools make for folders are no objects of ours.
          if (name !== TRIAL_NAME && !name.endsWith('/')) yield { ...object, name };
        }
      }
    },
    async *folders(below) {
      checkPrefix(below);
      const within = `${prefix}${below}`;
      for await (const { folders } of bucket.list(within, true)) {
        for (const folder of folders) yield folder.slice(within.length, -1);
      }
    },
    async delete(name) {
      checkName(name);
      await bucket.delete(`${prefix}${name}`);
    },
    async removeUnfinished(below) {
      checkPrefix(below);
      return 0;
    },
    close: () => bucket.close(),
  };
}

/** Whether the store refuses to create an object that is there. Another process may make the same trial at the same moment. */
async function tryCondition(bucket: Bucket, key: string): Promise<boolean> {
  for (let turn = 0; turn < 2; turn++) {
    const bytes = Buffer.from(`Written to try whether the store overwrites: ${randomBytes(8).toString('hex')}\n`);
    if ((await bucket.create(key, bytes)) === 'taken') return true;
  }
  return false;
}
