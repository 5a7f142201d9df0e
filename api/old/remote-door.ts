import type { IncomingMessage } from 'node:http';
import { remoteId } from '../../domain/remote.ts';
import { enrolmentToken, mayEnrol } from '../auth/enrolment.ts';
import { type HmacRules, verifyRequest } from '../auth/hmac.ts';
import { HmacError } from '../auth/hmac-error.ts';
import type { Nonces } from '../auth/nonces.ts';
import { OldRefusal } from './old-body.ts';
import type { Remotes } from './remotes.ts';

export interface RemoteDoorDeps {
  readonly remotes: Pick<Remotes, 'findKey'>;
  readonly nonces: Nonces;
  /** Whether connectors must enrol and sign. */
  readonly auth: boolean;
  readonly tokens: readonly string[];
  readonly loopback: boolean;
}

/** Who of the remote connectors may come in. */
export interface RemoteDoor {
  /** @throws OldRefusal 401 */
  enrol(request: IncomingMessage): void;
  /**
   * The connector that signed the request; undefined where nobody need sign.
   * @param about the connector that the request speaks of, where it does: it must be the one that signed
   * @throws OldRefusal 401, 403 for another connector's key, 503 when too many are remembered
   */
  signer(request: IncomingMessage, body: Uint8Array, about?: string): Promise<string | undefined>;
}

export function createRemoteDoor({ remotes, nonces, auth, tokens, loopback }: RemoteDoorDeps): RemoteDoor {
  const rules: HmacRules = {
    find: (keyId) => remotes.findKey(keyId),
    nonces,
    now: () => Math.floor(Date.now() / 1000),
  };

  /** Without authentication nobody but this machine may come in. */
  const refuseOpen = (): void => {
    if (!auth && !loopback) throw new OldRefusal(401, 'auth_disabled: set DSXCONNECT_AUTH__ENABLED');
  };

  return {
    enrol(request) {
      refuseOpen();
      if (auth && !mayEnrol(enrolmentToken(request.headers), tokens)) {
        throw new OldRefusal(401, 'invalid_enrollment_token');
      }
    },
    async signer(request, body, about) {
      refuseOpen();
      if (!auth) return undefined;
      const { method = '', url: target = '', headers } = request;
      try {
        const { owner } = await verifyRequest(headers.authorization, { method, target, body }, rules, about);
        return owner;
      } catch (error) {
        if (!(error instanceof HmacError)) throw error;
        const status = error.code === 'foreign_connector' ? 403 : error.code === 'nonces_full' ? 503 : 401;
        throw new OldRefusal(status, error.code);
      }
    },
  };
}

/** A UUID of a path. @throws OldRefusal 404 */
export function uuidOf(text: string): string {
  const id = remoteId(text);
  if (id === undefined) throw new OldRefusal(404, 'connector_not_found');
  return id;
}
