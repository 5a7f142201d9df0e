import type { JWTPayload } from 'jose';
import type { TokenIssuer } from '../../domain/webhook.ts';
import { DeliveryError } from '../delivery.ts';
import { type TokenCheck, tokenCheck } from './jwt.ts';

export interface EntraRules extends TokenIssuer {
  readonly tenantId: string;
  readonly audience: string;
  /** The application that the token must be given to. */
  readonly clientId: string;
}

/**
 * Tokens of Microsoft Entra, of either version, for one application of one tenant.
 * @returns a check that throws DeliveryError: `unverified`, `refused` for another application, `unavailable`
 */
export function entraCheck({ tenantId, audience, clientId, issuer, jwksUrl }: EntraRules): TokenCheck {
  const login = `https://login.microsoftonline.com/${tenantId}`;
  const issuers = issuer === undefined ? [`https://sts.windows.net/${tenantId}/`, `${login}/v2.0`] : [issuer];
  const check = tokenCheck(jwksUrl ?? `${login}/discovery/v2.0/keys`, { issuers, audience });
  return async (token) => {
    const claims = await check(token);
    if (applicationOf(claims) === clientId.toLowerCase() && isOfTenant(claims, tenantId)) return claims;
    throw new DeliveryError('refused', 'the token was given to another application, or by another tenant');
  };
}

/** `azp` in tokens of version 2, `appid` in those of version 1. With both, they must agree. */
function applicationOf({ azp, appid }: JWTPayload): string | undefined {
  const [one, other] = [azp, appid].filter((id) => id !== undefined);
  if (typeof one !== 'string' || (other !== undefined && other !== one)) return undefined;
  return one.toLowerCase();
}

function isOfTenant({ tid }: JWTPayload, tenantId: string): boolean {
  return tid === undefined || tid === tenantId || !/^[0-9a-f-]{36}$/i.test(tenantId);
}
