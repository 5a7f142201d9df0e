import type { Role } from '../../domain/role.ts';
import { isLedgerError } from '../../ledger/errors.ts';
import type { KeyObjects } from '../../ledger/key-objects.ts';
import type { KeyResource, NewKeyAnswer } from '../access-contract.ts';
import { ApiProblem } from '../problems.ts';
import { type KeyRing, type KnownKey, stateOf } from './key-ring.ts';
import type { MadeRecord, RotatedRecord, Sealer } from './key-seal.ts';
import { digest, newKey, prefixOf } from './key-text.ts';

export interface KeyWish {
  readonly name: string;
  readonly role: Role;
  readonly expiresAt?: string;
}

/** Making, listing and ending keys: what was done holds in this process when a method resolves. Every method throws LedgerError when the ledger can't be used. */
export interface Keys {
  /** @throws ApiProblem `key_name_taken`, `request_invalid` for an end in the past */
  create(wish: KeyWish, by: string): Promise<NewKeyAnswer>;
  list(): Promise<readonly KeyResource[]>;
  /** A new key with the name and role of this one, which goes on for `graceSeconds`. @throws ApiProblem `key_not_found`, `key_ended` */
  rotate(id: string, options: { graceSeconds: number; expiresAt?: string }, by: string): Promise<NewKeyAnswer>;
  /** Ends a key. One that has been revoked stays so. @throws ApiProblem `key_not_found` */
  revoke(id: string, by: string): Promise<KeyResource>;
}

export function createKeys(open: () => Promise<KeyObjects>, sealer: Sealer, ring: KeyRing): Keys {
  const find = async (id: string): Promise<KnownKey> => {
    const key = (await ring.all()).find(({ made }) => made.id === id);
    if (key === undefined)
      throw new ApiProblem('key_not_found', `There is no key ${JSON.stringify(id.slice(0, 100))}.`);
    return key;
  };
  const write = async (record: Omit<MadeRecord, 'hash' | 'id' | 'format' | 'at'>, claim: boolean) => {
    checkEnd(record.expiresAt);
    const { id, text } = newKey();
    const objects = await open();
    if (claim && !(await objects.claim(record.name, id))) {
      const detail = `A key named ${record.name} was made before: what was done under a name stays one caller's. Take another name, or rotate that key.`;
      throw new ApiProblem('key_name_taken', detail);
    }
    const made: MadeRecord = {
      ...record,
      format: 1,
      id,
      hash: digest(text).toString('hex'),
      at: new Date().toISOString(),
    };
    await objects.put(id, 'made', sealer.seal(made));
    await ring.all();
    return { made, text };
  };
  const shown = async (key: KnownKey): Promise<KeyResource> => {
    const { id, name, role, by, at, expiresAt, replaces } = key.made;
    const lastUsed = await (await open()).lastUse(id);
    return {
      id,
      prefix: prefixOf(id),
      name,
      role,
      state: stateOf(key, Date.now()),
      createdBy: by,
      createdAt: at,
      ...(expiresAt !== undefined && { expiresAt }),
      ...(replaces !== undefined && { replaces }),
      ...(key.rotated !== undefined && { replacedBy: key.rotated.successor, endsAt: key.rotated.until }),
      ...(lastUsed !== undefined && { lastUsed }),
    };
  };

  return {
    async create({ name, role, expiresAt }, by) {
      const { made, text } = await write({ name, role, by, ...(expiresAt !== undefined && { expiresAt }) }, true);
      return { ...(await shown({ made, revoked: false })), key: text };
    },
    async list() {
      const keys = [...(await ring.all())].sort((a, b) => (a.made.at < b.made.at ? -1 : 1));
      return Promise.all(keys.map(shown));
    },
    async rotate(id, { graceSeconds, expiresAt }, by) {
      const { made: old, ...key } = await find(id);
      const ended = new ApiProblem('key_ended', `Key ${id} was replaced, was revoked or has expired: make a new one.`);
      if (key.rotated !== undefined || stateOf({ made: old, ...key }, Date.now()) !== 'live') throw ended;
      const { name, role } = old;
      const { made, text } = await write(
        { name, role, by, replaces: id, ...(expiresAt !== undefined && { expiresAt }) },
        false,
      );
      const now = Date.now();
      const rotated: RotatedRecord = {
        format: 1,
        id,
        by,
        at: new Date(now).toISOString(),
        until: new Date(now + graceSeconds * 1000).toISOString(),
        successor: made.id,
      };
      try {
        await (await open()).put(id, 'rotated', sealer.seal(rotated));
      } catch (error) {
        // Somebody else was quicker: of two successors that nobody was shown, none may stay.
        await end(made.id, by);
        throw isLedgerError(error, 'conflict') ? ended : error;
      }
      await ring.all();
      return { ...(await shown({ made, revoked: false })), key: text };
    },
    async revoke(id, by) {
      const key = await find(id);
      await end(id, by);
      return shown({ ...key, revoked: true });
    },
  };

  async function end(id: string, by: string): Promise<void> {
    const record = { format: 1, id, by, at: new Date().toISOString() };
    try {
      await (await open()).put(id, 'revoked', sealer.seal(record));
    } catch (error) {
      if (!isLedgerError(error, 'conflict')) throw error;
    }
    await ring.all();
  }
}

/** @throws ApiProblem `request_invalid` */
function checkEnd(expiresAt: string | undefined): void {
  if (expiresAt === undefined || Date.parse(expiresAt) > Date.now()) return;
  const message = 'must be in the future';
  throw new ApiProblem('request_invalid', `body: expiresAt: ${message}`, {
    extra: { in: 'body', errors: [{ field: 'expiresAt', message }] },
  });
}
