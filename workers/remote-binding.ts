import { ConnectorError } from '../connectors/errors.ts';
import type { ConnectorSettings } from '../connectors/registry.ts';
import type { Hidden } from '../domain/hidden.ts';
import type { RemoteEntry } from '../domain/remote.ts';
import type { RemoteBook } from '../ledger/remote-book.ts';
import { type AllowedTarget, LOOPBACK } from '../net/allowed.ts';
import { remoteSecret } from '../net/remote-keys.ts';

/** What the book says is believed for so long, in milliseconds: an address that changes takes effect within it. */
const BELIEVED_MS = 3_000;

export interface RemoteBindings {
  /** As the connector registered last. @throws ConnectorError `configuration` for one that never did; LedgerError */
  binding(uuid: string, quarantine: string | undefined): Promise<ConnectorSettings>;
}

export interface RemoteBindingDeps {
  readonly book: Pick<RemoteBook, 'newest'>;
  readonly allowed: readonly AllowedTarget[];
  readonly masterKey?: Hidden | undefined;
  readonly now?: () => number;
}

/** How the workers reach remote connectors. */
export function createRemoteBindings({ book, allowed, masterKey, now = Date.now }: RemoteBindingDeps): RemoteBindings {
  const known = new Map<string, { readonly at: number; readonly entry: Promise<RemoteEntry | undefined> }>();

  function entryOf(uuid: string): Promise<RemoteEntry | undefined> {
    const before = known.get(uuid);
    if (before !== undefined && now() - before.at < BELIEVED_MS) return before.entry;
    const entry = book.newest(uuid);
    known.set(uuid, { at: now(), entry });
    entry.catch(() => known.delete(uuid));
    return entry;
  }

  return {
    async binding(uuid, quarantine) {
      const entry = await entryOf(uuid);
      if (entry === undefined) {
        throw new ConnectorError('configuration', `no remote connector ${uuid} ever registered`);
      }
      const { model, local, keys } = entry;
      const [newest, before] = keys;
      if (newest !== undefined && masterKey === undefined) {
        const remedy = 'set DSXCONNECT_REMOTE_KEY_FILE where the workers run, to the same as that of the API';
        throw new ConnectorError(
          'configuration',
          `requests to remote connector ${uuid} can't be signed here: ${remedy}`,
        );
      }
      return {
        kind: 'remote',
        id: uuid,
        model,
        ...(quarantine !== undefined && { quarantine }),
        ...(newest !== undefined &&
          masterKey !== undefined && {
            key: { id: newest.id, secret: hidden(remoteSecret(masterKey.reveal(), newest.id)) },
            ...(before?.until !== undefined &&
              Date.parse(before.until) > now() && {
                keyBefore: {
                  id: before.id,
                  secret: hidden(remoteSecret(masterKey.reveal(), before.id)),
                  until: before.until,
                },
              }),
          }),
        allowed: local ? [...allowed, ...LOOPBACK] : allowed,
      };
    },
  };
}

function hidden(value: string): Hidden {
  return { reveal: () => value };
}
