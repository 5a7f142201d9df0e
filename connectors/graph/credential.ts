import {
  type AccessToken,
  ClientCertificateCredential,
  ClientSecretCredential,
  CredentialUnavailableError,
  type TokenCredential,
} from '@azure/identity';
import { messageOf } from '../../domain/errors.ts';
import { ConnectorError } from '../errors.ts';
import { endpointsOf, type GraphAccess } from './settings.ts';

/** Tokens of an application: given out from memory until shortly before they expire. */
export interface Credential {
  /** @throws ConnectorError `credentials`, `unreachable`, `configuration` */
  token(): Promise<string>;
  /** The last token was refused: the next one is a new one. */
  forget(): void;
}

/** A token is asked for again so long before it expires, in milliseconds: as long as the library itself takes it for a good one. */
const MARGIN_MS = 300_000;

export function createCredential(access: GraphAccess): Credential {
  const { scope } = endpointsOf(access);
  let made: TokenCredential | undefined;
  // The library would look it up in its own memory for each request, which costs as much as the request itself.
  let held: { readonly token: string; readonly until: number } | undefined;
  let asking: Promise<string> | undefined;
  const ask = async (): Promise<string> => {
    try {
      made ??= credentialOf(access);
      const by = made;
      const got = await by.getToken(scope);
      if (got !== null) {
        // What was asked of a credential that has been forgotten meanwhile is not kept.
        if (by === made) held = { token: got.token, until: freshUntil(got) };
        return got.token;
      }
    } catch (error) {
      if (error instanceof ConnectorError) throw error;
      throw refused(error, access);
    }
    throw new ConnectorError('credentials', `no token was given for application ${access.clientId}`);
  };
  return {
    async token() {
      if (held !== undefined && Date.now() < held.until) return held.token;
      // Who comes meanwhile waits for the same answer.
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    forget() {
      made = undefined;
      held = undefined;
    },
  };
}

/** Until when a token is given out without asking the library, in milliseconds since 1970. */
function freshUntil({ expiresOnTimestamp, refreshAfterTimestamp = expiresOnTimestamp }: AccessToken): number {
  return Math.min(refreshAfterTimestamp, expiresOnTimestamp - MARGIN_MS);
}

function credentialOf(access: GraphAccess): TokenCredential {
  const { tenantId, clientId, clientSecret, certificate, certificateFile } = access;
  const options = {
    authorityHost: endpointsOf(access).authority,
    // An authority of one's own is not among those that Microsoft knows.
    disableInstanceDiscovery: access.authorityUrl !== undefined,
    retryOptions: { maxRetries: 0 },
  };
  if (clientSecret) return new ClientSecretCredential(tenantId, clientId, clientSecret.reveal(), options);
  if (certificate) {
    return new ClientCertificateCredential(tenantId, clientId, { certificate: certificate.reveal() }, options);
  }
  if (certificateFile !== undefined) {
    return new ClientCertificateCredential(tenantId, clientId, { certificatePath: certificateFile }, options);
  }
  throw new ConnectorError('configuration', 'there is no secret and no certificate; set clientSecret or a certificate');
}

/** What Entra ID answers names the application and never its secret; the first line of it tells. */
function refused(error: unknown, access: GraphAccess): ConnectorError {
  const told = messageOf(error).split('\n')[0] ?? '';
  const who = `no token for application ${access.clientId} of tenant ${access.tenantId}`;
  if (error instanceof CredentialUnavailableError) {
    // The client does not say which of these it was.
    const causes =
      "can't be reached, does not know the tenant, or has a certificate that is not trusted here (name its authority in NODE_EXTRA_CA_CERTS)";
    const message = `${who}: ${endpointsOf(access).authority} ${causes}: ${told}`;
    return new ConnectorError('unreachable', message, { cause: error });
  }
  return new ConnectorError('credentials', `${who}: ${told}`, { cause: error });
}
