import type { Logger } from 'pino';
import { CodedError } from '../../domain/errors.ts';
import type { Hidden } from '../../domain/hidden.ts';
import {
  isRemoteId,
  type RemoteEntry,
  type RemoteKey,
  type RemoteModel,
  type RemoteState,
} from '../../domain/remote.ts';
import { remoteAction } from '../../intake/remote-target.ts';
import type { RemoteBook } from '../../ledger/remote-book.ts';
import { type AllowedTarget, LOOPBACK } from '../../net/allowed.ts';
import { newRemoteKeyId, ownerOfKey, remoteSecret } from '../../net/remote-keys.ts';
import { checkTarget } from '../../net/target.ts';
import type { Audit } from '../auth/audit.ts';
import type { HmacKey } from '../auth/hmac.ts';
import type { ConnectorResource } from '../contract.ts';
import type { Presence } from './presence.ts';

/** While a key is replaced the one before counts for so long, in milliseconds. */
export const GRACE_MS = 10 * 60_000;
/** What the book says is believed for so long, in milliseconds: other processes write it too. */
const BELIEVED_MS = 3_000;
/** A key that it does not have is looked for again after so long: another process may just have handed it out. */
const DOUBTED_MS = 250;

export interface RemotesDeps {
  readonly book: () => Promise<RemoteBook>;
  readonly presence: Presence;
  readonly allowed: readonly AllowedTarget[];
  /** The API listens on this machine alone. */
  readonly loopback: boolean;
  /** What the secrets of keys are derived from; absent: nothing is signed. */
  readonly masterKey?: Hidden;
  /** Name of the scanner that judges what they push. */
  readonly scanner: string;
  readonly log: Logger;
  /** Keeps what they change of themselves: heartbeats change nothing. Absent: nobody does. */
  readonly audit?: Audit;
}

/** What a connector is told when it registers. */
export interface Registered {
  readonly entry: RemoteEntry;
  /** It was not known, or had left. */
  readonly isNew: boolean;
  readonly key?: { readonly id: string; readonly secret: string };
}

/** The keys of a connector whose key was replaced, by their ids. `until`: when the one before ends, or ended; ISO 8601. */
export interface RemoteKeys {
  readonly key: string;
  readonly before: { readonly key: string; readonly until: string };
}

/**
 * - `connector_not_found`: none of this UUID registered, or it has left
 * - `signing_off`: nothing is signed here
 * - `key_rotating`: the key before still counts, and a third one would not; without a grace it can be done
 */
export const ROTATION_CODES = ['connector_not_found', 'signing_off', 'key_rotating'] as const;
export class RotationError extends CodedError<(typeof ROTATION_CODES)[number]> {}

/** The remote connectors, as the book and their heartbeats have them. */
export interface Remotes {
  /** Takes a registration or a heartbeat. @throws TargetError for an address that may not be asked; LedgerError */
  register(uuid: string, model: RemoteModel, state: RemoteState, from: string | undefined): Promise<Registered>;
  /**
   * Gives it a new key, which it learns when it registers the next time: at its next heartbeat. The one before counts for so long still.
   * @throws RotationError; LedgerError
   */
  rotate(uuid: string, graceMs: number): Promise<RemoteKeys>;
  /** It says goodbye: its keys count no more. What it pushed stays. @throws LedgerError */
  leave(uuid: string): Promise<void>;
  /** As it registered last; undefined for one that never did. @throws LedgerError */
  get(uuid: string): Promise<RemoteEntry | undefined>;
  /** The one with this address, where the caller does not name itself. @throws LedgerError */
  byUrl(url: string): Promise<RemoteEntry | undefined>;
  /** The key of this id, while it counts. @throws LedgerError */
  findKey(keyId: string): Promise<HmacKey | undefined>;
  /** All that have not left, as resources, with their heartbeats. @throws LedgerError */
  list(): Promise<readonly ConnectorResource[]>;
  /** One that this process has met. */
  resource(uuid: string): ConnectorResource | undefined;
}

export function createRemotes(deps: RemotesDeps): Remotes {
  const { allowed, loopback, masterKey, presence, log } = deps;
  const mayReach = loopback ? [...allowed, ...LOOPBACK] : allowed;
  const known = new Map<string, { readonly at: number; readonly entry: RemoteEntry }>();

  const keep = (entry: RemoteEntry): RemoteEntry => {
    known.set(entry.uuid, { at: Date.now(), entry });
    return entry;
  };

  async function get(uuid: string, believedMs = BELIEVED_MS): Promise<RemoteEntry | undefined> {
    const before = known.get(uuid);
    if (before !== undefined && Date.now() - before.at < believedMs) return before.entry;
    const entry = await (await deps.book()).newest(uuid);
    return entry === undefined ? undefined : keep(entry);
  }

  async function all(): Promise<readonly RemoteEntry[]> {
    const entries = await (await deps.book()).all();
    for (const entry of entries) keep(entry);
    return entries;
  }

  /** Keys for a registration: those that count, or a new one in front of the one before. */
  function keysFor(uuid: string, before: RemoteEntry | undefined): readonly RemoteKey[] {
    if (masterKey === undefined) return [];
    const [newest] = before?.keys ?? [];
    if (newest !== undefined && before?.left === false) return before.keys;
    const next: RemoteKey = { id: newRemoteKeyId(uuid) };
    return newest === undefined ? [next] : [next, { id: newest.id, until: newest.until ?? new Date().toISOString() }];
  }

  async function append(entry: Omit<RemoteEntry, 'format' | 'at'>): Promise<RemoteEntry> {
    return keep(await (await deps.book()).append(entry));
  }

  /** Of its address only where it leads: the rest may hold what nobody else should know. */
  async function changed(
    action: string,
    uuid: string,
    { name, url, asset }: RemoteModel,
    from?: string,
  ): Promise<void> {
    await deps.audit?.({
      at: new Date().toISOString(),
      actor: `connector:${uuid}`,
      role: 'connector',
      ...(from !== undefined && { from }),
      action,
      params: { uuid },
      body: { name, url: new URL(url).origin, asset },
      status: 200,
    });
  }

  return {
    get: (uuid) => get(uuid),
    async register(uuid, model, state, from) {
      checkTarget(model.url, mayReach);
      const look = async (believedMs: number) => {
        const before = await get(uuid, believedMs);
        const keys = keysFor(uuid, before);
        const facts = { uuid, model, local: loopback, left: false, keys };
        const isSame =
          before !== undefined && sameFacts(facts, before) && before.local === facts.local && before.left === false;
        return { before, keys, facts, same: isSame ? before : undefined };
      };
      const believed = await look(BELIEVED_MS);
      // What is written anew stands on what is there now: another process may have changed the keys.
      const { before, keys, facts, same } = believed.same !== undefined ? believed : await look(0);
      const entry = same ?? (await append({ ...facts, ...(from !== undefined && { from }) }));
      if (same === undefined) {
        const what = before === undefined ? 'registered' : before.left ? 'came back' : 'changed';
        log.info({ connector: uuid, name: model.name, from }, `remote connector ${what}`);
        await changed('POST /connectors/register', uuid, model, from);
      }
      await presence.seen(uuid, state);
      const [key] = keys;
      return {
        entry,
        isNew: before === undefined || before.left,
        ...(key !== undefined &&
          masterKey !== undefined && { key: { id: key.id, secret: remoteSecret(masterKey.reveal(), key.id) } }),
      };
    },
    async rotate(uuid, graceMs) {
      const before = isRemoteId(uuid) ? await get(uuid, 0) : undefined;
      if (before === undefined || before.left) {
        throw new RotationError(
          'connector_not_found',
          `${JSON.stringify(uuid)} is no remote connector that is registered here: no other one has a key.`,
        );
      }
      const [newest, older] = before.keys;
      if (masterKey === undefined || newest === undefined) {
        const message = 'Remote connectors sign nothing here: set DSXCONNECT_AUTH__ENABLED first.';
        throw new RotationError('signing_off', message);
      }
      if (graceMs > 0 && older?.until !== undefined && Date.parse(older.until) > Date.now()) {
        const message = `The key before counts until ${older.until}, and it may be the one that the connector has. Wait for that; or end both at once, without a grace.`;
        throw new RotationError('key_rotating', message);
      }
      const key = newRemoteKeyId(uuid);
      const until = new Date(Date.now() + graceMs).toISOString();
      const still = graceMs > 0 ? [{ id: newest.id, until }] : [];
      const { format: _, at: __, ...entry } = before;
      await append({ ...entry, keys: [{ id: key }, ...still] });
      log.info({ connector: uuid, name: before.model.name }, 'the key of a remote connector is replaced');
      return { key, before: { key: newest.id, until } };
    },
    async leave(uuid) {
      const before = await get(uuid, 0);
      await presence.gone(uuid);
      if (before === undefined || before.left) return;
      const { format: _, at: __, ...entry } = before;
      const until = new Date(Date.now() + GRACE_MS).toISOString();
      await append({ ...entry, left: true, keys: entry.keys.slice(0, 1).map(({ id }) => ({ id, until })) });
      log.info({ connector: uuid, name: before.model.name }, 'remote connector left');
      await changed('DELETE /connectors/unregister/:uuid', uuid, before.model);
    },
    async byUrl(url) {
      const wanted = url.replace(/\/+$/, '');
      const match = ({ model, left }: RemoteEntry) => model.url === wanted && !left;
      const here = [...known.values()].find(({ entry, at }) => match(entry) && Date.now() - at < BELIEVED_MS);
      return here?.entry ?? (await all()).find(match);
    },
    async findKey(keyId) {
      const owner = ownerOfKey(keyId);
      if (owner === undefined || masterKey === undefined) return undefined;
      const find = (entry: RemoteEntry | undefined) => entry?.keys.find(({ id }) => id === keyId);
      const key = find(await get(owner)) ?? find(await get(owner, DOUBTED_MS));
      if (key === undefined || (key.until !== undefined && Date.parse(key.until) <= Date.now())) return undefined;
      return { owner, secret: remoteSecret(masterKey.reveal(), keyId) };
    },
    async list() {
      const entries = (await all()).filter(({ left }) => !left);
      return await Promise.all(
        entries.map(async (entry) => {
          const heartbeat = await presence.of(entry.uuid);
          return {
            ...resourceOf(entry, deps.scanner),
            remote: { name: entry.model.name, url: entry.model.url, ...heartbeat },
          };
        }),
      );
    },
    resource: (uuid) => {
      const found = known.get(uuid)?.entry;
      return found === undefined ? undefined : resourceOf(found, deps.scanner);
    },
  };
}

function sameFacts(a: Pick<RemoteEntry, 'model' | 'keys'>, b: Pick<RemoteEntry, 'model' | 'keys'>): boolean {
  const facts = ({ model, keys }: Pick<RemoteEntry, 'model' | 'keys'>) =>
    JSON.stringify([Object.entries(model).sort(), keys]);
  return facts(a) === facts(b);
}

/** As scans and the list of connectors see it: it filters by itself. */
function resourceOf({ uuid, model }: RemoteEntry, scanner: string): ConnectorResource {
  const asset = model.asset_display_name ?? model.asset;
  return {
    id: uuid,
    kind: 'remote',
    asset,
    filter: '',
    action: remoteAction(model.item_action),
    dryRun: false,
    scanner,
  };
}
