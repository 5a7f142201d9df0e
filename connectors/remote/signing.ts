import { randomBytes } from 'node:crypto';
import { type SignedRequest, signRequest } from '../../net/dsx-hmac.ts';
import type { RemoteSettings, SigningKey } from './settings.ts';

/** What is sent as `Authorization`; undefined where nothing is signed. */
export type Authorization = string | undefined;

/** Signs what a remote connector is asked. While its key is replaced it has either one: nobody knows before it was asked. */
export interface Signing {
  /**
   * Runs a request, once more with the other key when the first was refused for its signature.
   * @param refused whether an answer says so; it is let go then
   */
  signed<A>(
    request: SignedRequest,
    send: (authorization: Authorization) => Promise<A>,
    refused: (answer: A) => Promise<boolean>,
  ): Promise<A>;
}

export function createSigning({ key, keyBefore }: Pick<RemoteSettings, 'key' | 'keyBefore'>): Signing {
  /** The key that it took last. */
  let known = key;

  const keysNow = (): readonly SigningKey[] => {
    const before = keyBefore !== undefined && Date.parse(keyBefore.until) > Date.now() ? [keyBefore] : [];
    const all = key === undefined ? [] : [key, ...before];
    return known !== undefined && all.includes(known) ? [known, ...all.filter((one) => one !== known)] : all;
  };

  return {
    async signed(request, send, refused) {
      const keys = keysNow();
      for (const [at, one] of keys.entries()) {
        const answer = await send(authorizationOf(request, one));
        if (at < keys.length - 1 && (await refused(answer))) continue;
        known = one;
        return answer;
      }
      return await send(undefined);
    },
  };
}

function authorizationOf(request: SignedRequest, { id, secret }: SigningKey): string {
  const now = Math.floor(Date.now() / 1000);
  return signRequest(request, { id, secret: secret.reveal() }, now, randomBytes(12).toString('base64'));
}
