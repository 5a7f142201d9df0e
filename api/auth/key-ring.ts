import { timingSafeEqual } from 'node:crypto';
import type { Role } from '../../domain/role.ts';
import type { KeyObjectKind, KeyObjects } from '../../ledger/key-objects.ts';
import { type MadeRecord, madeRecord, type RotatedRecord, rotatedRecord, type Sealer } from './key-seal.ts';
import { digest, idOfKey } from './key-text.ts';

/** What is known of the keys is older than this for no decision, in milliseconds: a revocation holds everywhere after it. */
export const KEYS_AGE_MS = 4_000;
/** From this age on it is read anew beside the request, and a key that is not known has it read anew at once. */
const SOON_MS = 1_500;

export interface KnownKey {
  readonly made: MadeRecord;
  readonly rotated?: RotatedRecord;
  readonly revoked: boolean;
}

/** Why a key does not count any more; `live` when it does. */
export type KeyState = 'live' | 'expired' | 'rotated' | 'revoked';

export function stateOf({ made, rotated, revoked }: KnownKey, now: number): KeyState {
  if (revoked) return 'revoked';
  if (rotated !== undefined && Date.parse(rotated.until) <= now) return 'rotated';
  return made.expiresAt !== undefined && Date.parse(made.expiresAt) <= now ? 'expired' : 'live';
}

/** The keys of the ledger, as this process knows them. */
export interface KeyRing {
  /** The live key of this text, or undefined: nothing tells why. @throws LedgerError when the keys can't be read */
  find(text: string): Promise<{ id: string; name: string; role: Role } | undefined>;
  /** Whether a key still counts, for what goes on after it was let in. @throws LedgerError */
  isLive(id: string): Promise<boolean>;
  /** All keys, read anew. @throws LedgerError */
  all(): Promise<readonly KnownKey[]>;
}

interface Snapshot {
  /** When reading it began, ms of a clock that only goes on. */
  readonly at: number;
  readonly keys: ReadonlyMap<string, KnownKey>;
}

/** Compared with where there is no such key, so that both ways take the same steps. */
const NOBODY = digest('');

export function createKeyRing(open: () => Promise<KeyObjects>, sealer: Sealer, ms = () => performance.now()): KeyRing {
  /** Objects are written once, so each is read once. */
  const made = new Map<string, MadeRecord | undefined>();
  const rotated = new Map<string, RotatedRecord | undefined>();
  let known: Snapshot | undefined;
  let reading: Promise<Snapshot> | undefined;

  async function read(): Promise<Snapshot> {
    const at = ms();
    const objects = await open();
    const kinds = new Map<string, Set<KeyObjectKind>>();
    for (const { id, kind } of await objects.list()) kinds.set(id, (kinds.get(id) ?? new Set()).add(kind));
    const keys = new Map<string, KnownKey>();
    for (const [id, of] of kinds) {
      if (!of.has('made')) continue;
      if (!made.has(id)) made.set(id, ownOf(id, sealer.unseal(madeRecord, await objects.get(id, 'made'))));
      if (of.has('rotated') && !rotated.has(id)) {
        rotated.set(id, ownOf(id, sealer.unseal(rotatedRecord, await objects.get(id, 'rotated'))));
      }
      const record = made.get(id);
      const later = rotated.get(id);
      // Whatever lies there as `revoked`, sealed or not, revokes: who could only write must not be able to keep a key alive.
      const revoked = of.has('revoked');
      if (record !== undefined) keys.set(id, { made: record, revoked, ...(later !== undefined && { rotated: later }) });
    }
    return { at, keys };
  }

  function renew(): Promise<Snapshot> {
    reading ??= read()
      .then((snapshot) => {
        known = snapshot;
        return snapshot;
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  }

  /** What is known, no older than this. One that is being read may have begun too early, and is then read once more. */
  async function notOlder(age: number): Promise<Snapshot> {
    const from = ms() - age;
    if (known !== undefined && known.at >= from) return known;
    const first = await renew();
    return first.at >= from ? first : renew();
  }

  return {
    async find(text) {
      const id = idOfKey(text);
      if (id === undefined) return undefined;
      let { keys, at } = await notOlder(KEYS_AGE_MS);
      if (ms() - at > SOON_MS) {
        if (keys.has(id)) renew().catch(() => undefined);
        else ({ keys, at } = await notOlder(SOON_MS));
      }
      const key = keys.get(id);
      const same = timingSafeEqual(digest(text), key === undefined ? NOBODY : Buffer.from(key.made.hash, 'hex'));
      if (key === undefined || !same || stateOf(key, Date.now()) !== 'live') return undefined;
      return { id, name: key.made.name, role: key.made.role };
    },
    async isLive(id) {
      const key = (await notOlder(KEYS_AGE_MS / 2)).keys.get(id);
      return key !== undefined && stateOf(key, Date.now()) === 'live';
    },
    async all() {
      return [...(await notOlder(0)).keys.values()];
    },
  };
}

function ownOf<T extends { readonly id: string }>(id: string, record: T | undefined): T | undefined {
  return record?.id === id ? record : undefined;
}
