import { createHash } from 'node:crypto';
import { type ItemRef, locationBytes, type Version } from '../domain/item.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import type { RedisLink } from './redis-link.ts';

/** What is remembered is forgotten after so long, in milliseconds. */
const KEPT_MS = 24 * 3_600_000;

/** What a version was judged by, and where: another scanner may judge otherwise. */
export interface JudgedBy {
  readonly source: string;
  readonly scanner: string;
}

type Placed = ItemRef & { readonly version?: Version };

/**
 * Which versions were judged clean a short while ago, or were made by our own actions, so that an event about them needs no scan. A help and
 * no more: without Redis nothing is known, nothing is remembered, and items are scanned once more. Never rejects.
 */
export interface VersionMemory {
  /** For each item whether it is known in the very version given; one without a version is not. One call, however many. */
  known(by: JudgedBy, items: readonly Placed[]): Promise<readonly boolean[]>;
  /** Remembers the rows that say clean: what must be looked at again, if it comes again, is not remembered. Call once they are durable. */
  judged(by: JudgedBy, rows: readonly OutcomeRow[]): Promise<void>;
  /** Remembers versions that our own actions made of items. */
  made(by: JudgedBy, versions: readonly Placed[]): Promise<void>;
}

/** Knows nothing. */
export const NO_MEMORY: VersionMemory = {
  known: async (_by, items) => items.map(() => false),
  judged: async () => undefined,
  made: async () => undefined,
};

/** KEYS of places. ARGV ms to keep them, then the version of each. */
const REMEMBER = `
for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i + 1], 'PX', ARGV[1]) end
return #KEYS`;

/** The memory in Redis, below `<prefix>:version:<source>:`. */
export function createVersionMemory(link: Pick<RedisLink, 'command' | 'script'>, prefix = 'dsx'): VersionMemory {
  const keyOf = ({ source, scanner }: JudgedBy, item: ItemRef): string => {
    return `${prefix}:version:${source}:${digest(scanner, locationBytes(item))}`;
  };
  const remember = async (by: JudgedBy, items: readonly Placed[]): Promise<void> => {
    const known = items.filter(({ version }) => version !== undefined);
    if (known.length === 0) return;
    const keys = known.map((item) => keyOf(by, item));
    const versions = known.map(({ version = '' }) => digest('', version));
    await link.script(REMEMBER, keys, [String(KEPT_MS), ...versions]).catch(() => undefined);
  };
  return {
    async known(by, items) {
      if (items.length === 0) return [];
      const keys = items.map((item) => keyOf(by, item));
      const found = await link.command(['MGET', ...keys]).catch(() => []);
      const versions = Array.isArray(found) ? found : [];
      return items.map(({ version }, at) => version !== undefined && versions[at] === digest('', version));
    },
    judged: (by, rows) =>
      remember(
        by,
        rows
          .filter(({ outcome }) => outcome === 'clean')
          .map(({ judged, ...row }) => ({ ...row, ...(judged !== undefined && { version: judged.version }) })),
      ),
    made: remember,
  };
}

function digest(salt: string, value: string | Buffer): string {
  return createHash('sha256').update(`${salt}\n`).update(value).digest('base64url').slice(0, 24);
}
